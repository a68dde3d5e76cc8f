"""What the page says while a provider fails, and while the proxy itself is away.

With DASHBOARD_PICTURES=directory it also keeps what that looks like, after some minutes of traffic.
"""

from __future__ import annotations

import itertools
import math
import re
import threading
import time
from collections.abc import Iterator

import pytest
import yaml
from playwright.sync_api import expect

from tests.proxy.browsing import PICTURES, ask, dashboard_of, picture, region, soon, tile
from tests.proxy.conftest import TEMPLATE, Gateway
from tests.proxy.server import start_proxy, write_config

pytestmark = [pytest.mark.proxy, pytest.mark.peers]

# Of the traffic before a picture.
_CALM_S, _INCIDENT_S = 70, 30
_MIX = ("chat", "backup", "claude", "chat", "primary", "resting", "chat")


class House:
    """A proxy that can be stopped and started again where it was."""

    def __init__(self, *, directory, config, port, simulator, wait_for):
        self._boot = {
            "config": config,
            "port": port,
            "state_dir": directory / "state",
            "log": directory / "log",
            "wait_for": wait_for,
        }
        self._simulator = simulator
        self._wait_for = wait_for
        self.start()

    def start(self):
        self.server = start_proxy(**self._boot)

    def gateway(self):
        return Gateway(proxy=self.server, simulator=self._simulator, wait_for=self._wait_for)


@pytest.fixture(scope="module")
def house(tmp_path_factory, free_port, simulator, wait_for) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("dashboard-house")
    closed = f"http://127.0.0.1:{free_port()}"
    objectives = [{"name": "answered", "objective": 0.9}]
    budgets = [{"name": "everything", "usd": 100}]
    config = write_config(
        TEMPLATE,
        simulator=simulator.url,
        closed=closed,
        to=directory / "config.yaml",
        callback_settings={
            "litellm_obs": {"slo": objectives, "budgets": budgets, "health": {"interval_s": 2}}
        },
    )
    whole = yaml.safe_load(config.read_text())
    whole["model_list"] = [one for one in whole["model_list"] if one["model_name"] in _MIX]
    config.write_text(yaml.safe_dump(whole))
    house = House(
        directory=directory,
        config=config,
        port=free_port(),
        simulator=simulator,
        wait_for=wait_for,
    )
    yield house
    house.server.stop()


@pytest.fixture(scope="module")
def gateway(house):
    asking = house.gateway()
    asking.warm_up()
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def url(house, tmp_path_factory, free_port, wait_for):
    log = tmp_path_factory.mktemp("dashboard") / "log"
    with dashboard_of(house.server.url, port=free_port(), log=log, wait_for=wait_for) as server:
        yield server.url


def flow(gateway, words="", *, for_s):
    """Some requests a second, every third a stream; for pictures only."""
    end = time.monotonic() + for_s
    for n in itertools.count():
        if time.monotonic() > end:
            return
        size = f"[tokens:{200 + n * 37 % 900},{40 + n * 53 % 300}]"
        body = {
            "model": _MIX[n % len(_MIX)],
            "messages": [{"role": "user", "content": f"{size}{words}"}],
            "stream": n % 3 == 0,
        }
        gateway.client.post("/v1/chat/completions", json=body)
        threading.Event().wait(0.1 + 0.08 * (1 + math.sin(n / 60)))


def pictures(visits, url, state, *looks, since):
    """A picture of each width and theme, its charts beginning with the traffic."""
    zoom = f"?zoom={since}-{int(time.time())}"
    for width, scheme in looks:
        page = visits.open(f"{url}/{zoom}", scheme=scheme, width=width)
        picture(page, f"{state}-{scheme}-{width}")


@pytest.fixture
def page(visits, url):
    return visits.open(url)


def test_a_gateway_without_traffic_says_what_to_do(page, visits, url):
    soon(page.locator("body"), "Send one through the proxy (POST /v1/chat/completions)")
    soon(tile(page, "Requests"), "0")
    soon(tile(page, "Success rate"), "—")
    if PICTURES:
        picture(page, "empty-dark-1440")
        picture(visits.open(url, scheme="light", width=400), "empty-light-400")


def test_an_outage_of_a_provider_is_seen_within_ten_seconds(gateway, page, visits, url):
    """
    Status, its card, the time line, the ledger and the events, of a page that was calm before.
    """
    parts = {name: region(page, name) for name in ("Circuits and failovers", "Failovers")}
    events = region(page, "Recent events")
    soon(tile(page, "Status"), "Healthy")
    soon(events, "None so far")
    soon(region(page, "Components"), "Healthy")
    soon(region(page, "Budgets and objectives"), "answered")
    began = int(time.time())
    if PICTURES:
        flow(gateway, for_s=_CALM_S)
        pictures(
            visits, url, "healthy", (1440, "dark"), (1024, "light"), (400, "dark"), since=began
        )

    failed = time.monotonic()
    for _ in range(3):
        ask(gateway, "[fault:gpt-4o=503]", model="resting")

    def left_s():
        return max(failed + 10 - time.monotonic(), 0.1)

    opened = re.compile(r"Circuit open: openai since \d\d:\d\d")
    soon(tile(page, "Status"), opened, within_s=left_s())
    soon(tile(page, "Status"), "Degraded", within_s=left_s())
    soon(events, "✕ open", within_s=left_s())
    soon(events, "failover", within_s=left_s())
    soon(parts["Failovers"], "recovered", within_s=left_s())
    lane = parts["Circuits and failovers"].get_by_role("img", name="resting · openai: open")
    expect(lane).to_contain_text("▼", timeout=left_s() * 1000)
    assert lane.locator("i").count() >= 1
    if PICTURES:
        flow(gateway, "[fault:gpt-4o=503]", for_s=_INCIDENT_S)
        looks = ((1440, "dark"), (1440, "light"), (1024, "dark"), (400, "light"))
        pictures(visits, url, "incident", *looks, since=began)


def test_the_proxy_itself_stops_and_comes_back(gateway, house, page, visits, url):
    """
    The banner says since when and why; the page heals without a reload, and counts on.
    """
    soon(page.locator("body"), "● live")
    page.evaluate("window.stayed = true")
    before = gateway.json(window="15m")["requests"]["total"]

    house.server.stop()
    alert = page.get_by_role("alert")
    soon(alert, "The gateway cannot be reached. Showing the last good reading,")
    expect(alert).to_contain_text("s old; trying again")
    soon(tile(page, "Requests"), f"{before:,}")
    soon(page.locator("body"), "✕ stale")
    picture(page, "stale-dark-1440")
    if PICTURES:
        picture(visits.open(url, scheme="light", width=1024), "stale-light-1024")
    house.start()

    alert.wait_for(state="hidden")
    soon(page.locator("body"), "● live")
    ask(gateway)
    soon(tile(page, "Requests"), f"{before + 1:,}")
    assert page.evaluate("window.stayed") is True
