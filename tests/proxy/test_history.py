"""History of a real proxy: windows and steps equal what the simulator counted."""

from __future__ import annotations

import math
from contextlib import contextmanager

import httpx
import pytest

from tests.proxy import published
from tests.proxy.conftest import TEMPLATE
from tests.proxy.page import Page
from tests.proxy.server import AUTH, start_proxy, write_config

pytestmark = pytest.mark.proxy


@contextmanager
def proxy_in(directory, *, port, simulator, wait_for):
    config = write_config(
        TEMPLATE, simulator=simulator.url, closed=simulator.url, to=directory / "config.yaml"
    )
    server = start_proxy(
        config=config,
        port=port,
        state_dir=directory / "state",
        log=directory / "log",
        wait_for=wait_for,
    )
    try:
        yield server
    finally:
        server.stop()


def ask(server, case, times):
    message = {"role": "user", "content": f"[case:{case}] [tokens:100,50]"}
    body = {"model": "chat", "messages": [message]}
    for _ in range(times):
        url = f"{server.url}/v1/chat/completions"
        assert httpx.post(url, json=body, headers=AUTH, timeout=60).status_code == 200


def read(server, **query):
    answer = httpx.get(f"{server.url}/api/gateway/metrics", params=query, headers=AUTH, timeout=30)
    assert answer.status_code == 200, answer.text
    return published.check(answer).json()


def test_history_over_a_restart(tmp_path, free_port, simulator, wait_for):
    """
    Requests before and after a restart stand in the same window, once each, with their cost;
    counters and sketches go on.
    """
    port, case = free_port(), "history-restart"
    with proxy_in(tmp_path, port=port, simulator=simulator, wait_for=wait_for) as server:
        ask(server, case, 4)
        wait_for(lambda: read(server, window="15m")["requests"]["total"] == 4)
        health = httpx.get(f"{server.url}/health/gateway", headers=AUTH, timeout=30).json()
        wait_for(lambda: read(server, window="15m", step="10s")["history"]["requests"])
        wait_for(lambda: (tmp_path / "state" / "history.sqlite").exists())
        ask(server, case, 3)
        wait_for(lambda: read(server, window="15m")["requests"]["total"] == 7)
    assert health["components"]["history"]["status"] == "healthy"

    with proxy_in(tmp_path, port=port, simulator=simulator, wait_for=wait_for) as server:
        ask(server, case, 2)
        wait_for(lambda: read(server, window="15m")["requests"]["total"] == 9)
        whole = read(server, window="15m", step="10s")
        calls = httpx.get(f"{simulator.url}/_sim/calls", params={"case": case}).json()

        assert whole["window"]["basis"] == "history"
        assert 0 < whole["window"]["coverage"] < 1
        assert whole["requests"]["byModel"] == {"chat": 9}
        assert len(calls) == 9
        assert whole["tokens"]["input"] == 900
        assert whole["tokens"]["output"] == 450
        page = Page.parse(httpx.get(f"{server.url}/metrics", headers=AUTH, timeout=30).text)
        assert page.total("requests_total") == 9
        assert page.total("request_duration_seconds_count") == 9
        assert page.total("tokens_total") == 9 * 150
        history = whole["history"]
        listed = httpx.get(
            f"{server.url}/api/gateway/requests", params={"limit": 1000}, headers=AUTH, timeout=30
        )
        ids = [row["id"] for row in published.check(listed).json()]
        assert listed.headers["x-total-count"] == "9"
        assert len(set(ids)) == len(ids) == 9
        assert history["stepSeconds"] == 10
        known = [n for n in history["requests"] if n is not None]
        assert sum(known) == 9
        assert None in history["requests"]  # while it was down
        usd = math.fsum(u for u in history["costUsd"] if u is not None)
        assert usd == pytest.approx(whole["costs"]["total"], rel=1e-9)

        # What is written is not lost or doubled by the writing.
        wait_for(lambda: read(server, window="20s")["requests"]["total"] == 0, timeout_s=60)
        for _ in range(6):
            assert read(server, window="15m")["requests"]["total"] == 9


def test_a_bad_query_names_its_field(gateway):
    for query, field in (
        ({"step": "x"}, "step"),
        ({"since": "yesterday"}, "since"),
        ({"window": "999999999d"}, "window"),
        ({"since": "2026-01-31T12:00:00Z", "window": "1h"}, "window"),
        ({"since": "2126-01-31T12:00:00Z"}, "since"),
    ):
        answer = gateway.client.get("/api/gateway/metrics", params=query)

        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", field]


def test_change_is_absent_without_a_window_before(gateway):
    assert "change" not in gateway.json(window="30d")
    assert "change" not in gateway.json(window="36500d", step="1h")
