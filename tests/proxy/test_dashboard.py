"""The dashboard in a real browser, on the real proxy: it shows what the JSON says."""

from __future__ import annotations

import json
import statistics
import time
from urllib.parse import parse_qs

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.proxy.browsing import (
    PATIENCE_MS,
    Line,
    ask,
    dashboard_of,
    region,
    soon,
    tile,
)

pytestmark = [pytest.mark.proxy, pytest.mark.peers]


@pytest.fixture(scope="module")
def line(gateway, free_port):
    line = Line(port=free_port(), to=gateway.server.url)
    yield line
    line.cut()


@pytest.fixture(scope="module")
def url(line, tmp_path_factory, free_port, wait_for):
    log = tmp_path_factory.mktemp("dashboard") / "log"
    with dashboard_of(line.url, port=free_port(), log=log, wait_for=wait_for) as server:
        yield server.url


@pytest.fixture
def visit(visits, url):
    return lambda query="", **looks: visits.open(f"{url}/{query}", **looks)


def test_the_page_says_what_the_json_says(gateway, visit, wait_for):
    """
    The number of requests is the JSON's, and one more within three seconds of a request.
    """
    ask(gateway)
    page = visit()
    requests = tile(page, "Requests")

    def agrees():
        total = gateway.json(window="15m")["requests"]["total"]
        return f"\n{total:,}\n" in f"\n{requests.inner_text()}\n" and total

    total = wait_for(agrees, timeout_s=60)
    took_s = []
    for _ in range(3):
        ask(gateway)
        answered, total = time.monotonic(), total + 1
        soon(requests, f"{total:,}")
        took_s.append(time.monotonic() - answered)
    assert statistics.median(took_s) < 3
    soon(page.locator("body"), "● live")


def test_a_cut_line_is_said_and_heals_without_reload(line, visit):
    page = visit()
    soon(page.locator("body"), "● live")

    line.cut()
    alert = page.get_by_role("alert")
    soon(alert, "The gateway cannot be reached. Showing the last good reading,")
    assert tile(page, "Requests").is_visible()
    line.join()

    alert.wait_for(state="hidden")
    soon(page.locator("body"), "● live")


def test_range_and_filters_stand_in_the_address(gateway, visit, wait_for):
    ask(gateway)
    page = visit()
    page.get_by_role("button", name="1h", exact=True).click()
    page.get_by_label("All providers").select_option("openai")
    soon(page.locator("body"), "Only provider openai")

    def address():
        """As the page itself says; the driver's own note of it comes only when it is asked."""
        return parse_qs(page.evaluate("location.search").removeprefix("?"))

    wait_for(lambda: address().get("range") == ["1h"], timeout_s=60)
    wait_for(lambda: address().get("provider") == ["openai"], timeout_s=60)
    again = visit(page.evaluate("location.search"))
    soon(again.locator("body"), "Only provider openai")
    pressed = again.get_by_role("button", name="1h", exact=True)
    expect(pressed).to_have_attribute("aria-pressed", "true")
    again.get_by_role("button", name="Show all").click()
    expect(again.get_by_text("Only provider openai")).to_have_count(0, timeout=PATIENCE_MS)


def test_a_failed_request_is_looked_into(gateway, visit, wait_for):
    """
    From the list by the keyboard, and by its link.
    """
    ask(gateway, "[fault:*=500]", good=False)
    rows = gateway.client.get("/api/gateway/requests", params={"kind": "failed"}).json()
    page = visit()
    row = page.locator(f'a[data-value="{rows[0]["id"]}"]').first
    row.focus()
    page.keyboard.press("Enter")

    detail = page.get_by_role("region", name="Where the time went")
    soon(detail, rows[0]["id"])
    soon(detail, rows[0]["error"]["type"].split("_")[0])
    wait_for(lambda: rows[0]["id"] in page.url, timeout_s=60)
    linked = visit(f"?request={rows[0]['id']}")
    soon(linked.get_by_role("region", name="Where the time went"), rows[0]["id"])


def test_charts_and_tables_are_saved(gateway, visit, tmp_path):
    ask(gateway)
    page = visit()

    def saved(name):
        with page.expect_download(timeout=PATIENCE_MS) as given:
            page.get_by_role("button", name=name, exact=True).click()
        to = tmp_path / given.value.suggested_filename
        given.value.save_as(to)
        return to

    soon(page.get_by_role("region", name="Request volume"), "Succeeded")
    csv = saved("Request volume as CSV").read_text().splitlines()
    assert "time,series,value" == csv[0]
    assert any(",Succeeded," in row for row in csv)
    assert saved("Latency as PNG").read_bytes().startswith(b"\x89PNG")
    table = saved("Models compared as CSV").read_text()
    assert table.startswith("Model,Attempts,Success,")


def test_the_theme_is_the_system_s_and_can_be_changed(visit):
    page = visit(scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    assert "rgb(246, 247, 249)" == page.evaluate(background)

    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{background} === 'rgb(11, 14, 20)'")
    page.get_by_role("button", name="Dark or light").click()
    assert "rgb(246, 247, 249)" == page.evaluate(background)
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    assert "rgb(246, 247, 249)" == page.evaluate(background)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_stands_in_the_way_of_a_reader(gateway, visit, scheme):
    """
    Nothing grave by axe, and no width makes the page scroll sideways.
    """
    ask(gateway)
    ask(gateway, "[fault:gpt-4o=503]", model="primary")
    page = visit(scheme=scheme)
    soon(page.get_by_role("region", name="Models compared", exact=True), "gpt")

    found = Axe().run(page).response["violations"]

    grave = [v for v in found if v["impact"] in {"serious", "critical"}]
    said = json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in grave], indent=1)
    assert [] == grave, said
    for width in (1024, 400):
        page.set_viewport_size({"width": width, "height": 2100})
        page.wait_for_function("width => innerWidth === width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_gateway_that_is_away_is_said(browser, tmp_path, free_port, wait_for):
    away = f"http://127.0.0.1:{free_port()}"
    with dashboard_of(away, port=free_port(), log=tmp_path / "log", wait_for=wait_for) as server:
        page = browser.new_page(color_scheme="light")
        page.goto(server.url)
        soon(page.get_by_role("alert"), "The gateway cannot be reached")
        headers = httpx.get(server.url, timeout=60).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "nosniff" == headers["x-content-type-options"]
        page.close()


def test_a_zoom_a_comparison_and_a_shared_link(gateway, visit, wait_for):
    """
    Two instants given by hand, a span drawn on a chart, two models: all stand in the address, and
    the address shows them to others.
    """
    ask(gateway)
    ask(gateway, model="backup")
    page = visit()

    def address():
        return parse_qs(page.evaluate("location.search").removeprefix("?"))

    soon(region(page, "Request volume"), "Succeeded")
    for name, model in (("Compare model", "gpt-4o-mini"), ("with model", "mistral-large-latest")):
        page.get_by_label(name, exact=True).select_option(model)
    soon(region(page, "Two models side by side"), "Cost per 1k tokens")

    end = int(time.time()) // 60 * 60
    start = end - 600
    page.get_by_text("Custom", exact=True).click()
    for label, at in (("From (UTC)", start), ("To (UTC)", end)):
        page.get_by_label(label).fill(time.strftime("%Y-%m-%dT%H:%M", time.gmtime(at)))
    page.get_by_role("button", name="Apply").click()
    wait_for(lambda: address().get("zoom") == [f"{start}-{end}"], timeout_s=60)

    box = page.locator(".bk-Figure").nth(1).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, y, steps=4)
    page.mouse.up()

    def brushed():
        zoom = address().get("zoom", ["0-0"])[0]
        first, last = map(int, zoom.split("-"))
        return start < first < last < end and zoom

    zoom = wait_for(brushed, timeout_s=60)
    shared = visit(page.evaluate("location.search"))
    soon(region(shared, "Two models side by side"), "mistral-large-latest")
    soon(shared.locator("body"), "Charts from")
    assert [zoom] == parse_qs(shared.evaluate("location.search").removeprefix("?"))["zoom"]
    shared.get_by_role("button", name="Whole range").click()
    expect(shared.get_by_text("Charts from")).to_have_count(0, timeout=PATIENCE_MS)


def test_all_charts_tell_the_instant_under_the_pointer(gateway, visit):
    """
    In the browser alone: the chart itself by its tooltip, the others beside the linked line.
    """
    ask(gateway)
    page = visit()
    soon(region(page, "Request volume"), "Succeeded")
    page.locator(".bk-Figure").nth(1).hover()

    notes = page.locator(".instant:visible")
    expect(notes.first).to_be_visible(timeout=PATIENCE_MS)
    clocks = {words.splitlines()[0] for words in notes.all_inner_texts()}
    assert notes.count() >= 3
    assert 1 == len(clocks), clocks
    assert "UTC" in clocks.pop()
    page.mouse.move(5, 5)
    expect(notes).to_have_count(0)
