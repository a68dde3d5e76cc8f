"""The dashboard in a real browser, on the real proxy: it shows what the JSON says."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import sync_playwright

from tests.proxy.server import MASTER_KEY, start

pytestmark = [pytest.mark.proxy, pytest.mark.peers]

CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_PATIENCE_MS = 90_000


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
def browser():
    assert Path(CHROMIUM).exists(), "make tools installs Chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


def open_page(browser, url, *, scheme="dark"):
    """The page, and the hosts that it asked."""
    context = browser.new_context(viewport={"width": 1440, "height": 2100}, color_scheme=scheme)
    page, hosts = context.new_page(), set()
    page.on("request", lambda r: hosts.add(urlparse(r.url).hostname))
    page.goto(url)
    return page, hosts


def ask(gateway):
    message = {"role": "user", "content": "[tokens:10,5]"}
    answer = gateway.client.post(
        "/v1/chat/completions", json={"model": "chat", "messages": [message]}
    )
    assert answer.status_code == 200


def test_the_page_says_what_the_json_says(gateway, browser, tmp_path, free_port, wait_for):
    """
    The number of requests is the JSON's, and one more within seconds of a request.
    """
    ask(gateway)
    with dashboard_of(
        gateway.server.url, port=free_port(), log=tmp_path / "log", wait_for=wait_for
    ) as server:
        page, hosts = open_page(browser, server.url)
        page.locator("#live.shown").wait_for(timeout=_PATIENCE_MS)
        tile = page.get_by_role("group", name="Requests", exact=True)
        tile.wait_for(timeout=_PATIENCE_MS)

        def agrees():
            total = gateway.json(window="15m")["requests"]["total"]
            return f"\n{total:,}\n" in f"\n{tile.inner_text()}\n" and total

        before = wait_for(agrees, timeout_s=30)
        ask(gateway)
        assert wait_for(lambda: (now := agrees()) and now > before and now, timeout_s=30)
        assert page.get_by_text("● live").is_visible()
        assert page.get_by_role("table").first.is_visible()
        assert {h for h in hosts if h} == {"127.0.0.1"}
        page.context.close()


def test_a_gateway_that_is_away_is_said(browser, tmp_path, free_port, wait_for):
    away = f"http://127.0.0.1:{free_port()}"
    with dashboard_of(away, port=free_port(), log=tmp_path / "log", wait_for=wait_for) as server:
        page, _ = open_page(browser, server.url, scheme="light")
        alert = page.get_by_role("alert")
        alert.wait_for(timeout=_PATIENCE_MS)

        assert "The gateway cannot be reached" in alert.inner_text()
        page.context.close()
