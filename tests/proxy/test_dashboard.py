"""The dashboard in a real browser, on the real proxy: it shows what the JSON says."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from tests.proxy.server import MASTER_KEY, start

pytestmark = [pytest.mark.proxy, pytest.mark.peers]

CHROMIUM = "/usr/bin/chromium"
PICTURES = os.environ.get("DASHBOARD_PICTURES")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PATIENCE_MS = 90_000


class Line:
    """A line to the proxy that can be cut, so that the dashboard finds nobody."""

    def __init__(self, *, port: int, to: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._to = (urlparse(to).hostname, urlparse(to).port)
        self._open: list[socket.socket] = []
        self.join()

    def join(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def dashboard_of(url, *, port, log, wait_for):
    """A dashboard process. Its ``/healthz`` is 503 without a reading, but the page comes."""
    server = start(
        [sys.executable, "-m", "dashboard_app", "--gateway-url", url, "--port", str(port)],
        url=f"http://127.0.0.1:{port}",
        ready="/favicon.ico",
        log=log,
        env={"GATEWAY_DASHBOARD_KEY": MASTER_KEY},
        wait_for=wait_for,
    )
    try:
        yield server
    finally:
        server.stop()


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


@pytest.fixture(scope="module")
def browser():
    assert Path(CHROMIUM).exists(), "make tools installs Chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def visit(browser, url):
    """Opens pages; none may ask another host or fail in its scripts."""
    contexts, hosts, errors = [], set(), []

    def opened(query="", *, scheme="dark", width=1440):
        viewport = {"width": width, "height": 2100}
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: hosts.add(urlparse(r.url).hostname))
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(f"{url}/{query}")
        page.locator("#live.shown").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert {"127.0.0.1"} == {host for host in hosts if host}
    assert [] == errors


def ask(gateway, words="", *, model="chat", good=True):
    message = {"role": "user", "content": f"[tokens:10,5]{words}"}
    answer = gateway.client.post(
        "/v1/chat/completions", json={"model": model, "messages": [message]}
    )
    assert good == (answer.status_code == 200), answer.text


def tile(page, name):
    return page.get_by_role("group", name=name, exact=True)


def soon(locator, words):
    expect(locator).to_contain_text(words, timeout=_PATIENCE_MS)


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

    before = wait_for(agrees, timeout_s=60)
    ask(gateway)
    asked = time.monotonic()
    assert wait_for(lambda: (now := agrees()) and now > before and now, timeout_s=60)
    assert time.monotonic() - asked < 10  # three seconds when the machine is not busy
    soon(page.locator("body"), "● live")


def test_an_outage_of_a_provider_is_seen(gateway, visit):
    """
    Its failing calls show in status, success rate, ledger, events and time line.
    """
    page = visit()
    for _ in range(6):
        ask(gateway, "[fault:gpt-4o=503]", model="primary")

    soon(page.get_by_role("region", name="Recent events"), "failover")
    soon(page.get_by_role("region", name="Failovers", exact=True), "recovered")
    expect(tile(page, "Status")).to_contain_text("Degraded", timeout=_PATIENCE_MS)


def test_a_cut_line_is_said_and_heals_without_reload(line, visit):
    page = visit()
    soon(page.locator("body"), "● live")

    line.cut()
    alert = page.get_by_role("alert")
    soon(alert, "The gateway cannot be reached. Showing the last good reading,")
    assert tile(page, "Requests").is_visible()
    picture(page, "stale-dark-1440")
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
    expect(again.get_by_text("Only provider openai")).to_have_count(0, timeout=_PATIENCE_MS)


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
        with page.expect_download(timeout=_PATIENCE_MS) as given:
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

    page.get_by_role("button", name="Dark or light").click()

    assert "rgb(11, 14, 20)" == page.evaluate(background)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_stands_in_the_way_of_a_reader(gateway, visit, scheme):
    ask(gateway)
    page = visit(scheme=scheme)
    soon(page.get_by_role("region", name="Models compared", exact=True), "gpt")

    found = Axe().run(page).response["violations"]

    grave = [v for v in found if v["impact"] in {"serious", "critical"}]
    said = json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in grave], indent=1)
    assert [] == grave, said


@pytest.mark.parametrize("width", [1440, 1024, 400])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_is_wider_than_the_screen(gateway, visit, scheme, width):
    ask(gateway)
    ask(gateway, "[fault:gpt-4o=503]", model="primary")
    page = visit(scheme=scheme, width=width)
    soon(page.get_by_role("region", name="Models compared", exact=True), "gpt")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture(page, f"incident-{scheme}-{width}")


def test_a_gateway_that_is_away_is_said(browser, tmp_path, free_port, wait_for):
    away = f"http://127.0.0.1:{free_port()}"
    with dashboard_of(away, port=free_port(), log=tmp_path / "log", wait_for=wait_for) as server:
        page = browser.new_page(color_scheme="light")
        page.goto(server.url)
        soon(page.get_by_role("alert"), "The gateway cannot be reached")
        picture(page, "empty-light")
        headers = httpx.get(server.url, timeout=60).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "nosniff" == headers["x-content-type-options"]
        page.close()


def picture(page, name):
    """Keep what the page looks like, when asked for by DASHBOARD_PICTURES=directory."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"dashboard-{name}.png", full_page=True)
