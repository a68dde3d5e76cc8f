"""LiteLLM's cooldowns as circuits, through the real proxy."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.proxy.server import AUTH
from tests.proxy.test_scenarios import chat

pytestmark = pytest.mark.proxy

COOLDOWN_S = 4  # of the group "brief" in proxy_config.yaml


def circuit(gateway, deployment: str) -> dict:
    (found,) = [c for c in gateway.json()["circuits"] if c["deployment"] == deployment]
    return found


def state(page, deployment: str) -> dict[str, float]:
    states = page.by("circuit_state", "deployment", "state")
    return {s: v for (d, s), v in states.items() if d == deployment}


def test_deployments_that_never_failed_are_closed(gateway, wait_for):
    """Every deployment of the router is listed, each in exactly one state."""
    wait_for(lambda: gateway.scrape().by("circuit_state", "deployment"))
    page = gateway.scrape()

    assert state(page, "dep-backup") == {"open": 0, "closed": 1}
    assert set(page.by("circuit_state", "deployment").values()) == {1}
    assert circuit(gateway, "dep-backup")["state"] == "closed"


def test_a_circuit_opens_and_closes(gateway, wait_for):
    """Entry at once, exit when the cooldown is over; both in metrics, JSON and ledger."""
    before = gateway.scrape()
    gateway.observe(lambda case: chat(gateway, "brief", case, "[fault:*=429]"))
    opened_at = time.time()

    assert state(gateway.scrape(), "dep-brief") == {"open": 1, "closed": 0}
    found = circuit(gateway, "dep-brief")
    assert ("open", "rate_limit", 1, 1) == (
        found["state"],
        found["reason"],
        found["openWorkers"],
        found["workers"],
    )
    assert gateway.ask("/api/gateway/circuits")["circuits"][0]["state"] == "open"

    wait_for(lambda: state(gateway.scrape(), "dep-brief")["closed"] == 1, timeout_s=10)
    assert time.time() - opened_at == pytest.approx(COOLDOWN_S, abs=1.6)
    page = gateway.scrape().since(before)
    changes = page.by("circuit_transitions_total", "deployment", "to", "reason")
    assert {change: n for change, n in changes.items() if change[0] == "dep-brief"} == {
        ("dep-brief", "open", "rate_limit"): 1,
        ("dep-brief", "closed", "rate_limit"): 1,
    }
    open_s = page.total("circuit_open_seconds_total", deployment="dep-brief")
    assert open_s == pytest.approx(COOLDOWN_S, abs=0.3)
    changes = gateway.ask("/api/gateway/circuits")["changes"]
    ours = [c["state"] for c in changes if c["deployment"] == "dep-brief"]
    assert ours[:2] == ["closed", "open"]
    assert circuit(gateway, "dep-brief")["recoversAt"] is None


def test_workers_that_disagree(pair, wait_for):
    """Without Redis a cooldown is one worker's own: open in one of two, on whomever one asks."""
    messages = [{"role": "user", "content": "[fault:*=429]"}]
    with httpx.Client(base_url=pair.url, headers=AUTH, timeout=60) as client:
        body = {"model": "brief", "messages": messages}
        assert 429 == client.post("/v1/chat/completions", json=body).status_code

    def rows() -> list[tuple[str, int, int]]:
        answers = [
            httpx.get(f"{pair.url}/api/gateway/circuits", headers=AUTH, timeout=30).json()
            for _ in range(6)
        ]
        found = (c for a in answers for c in a["circuits"] if c["deployment"] == "dep-brief")
        return [(c["state"], c["openWorkers"], c["workers"]) for c in found]

    assert [("open", 1, 2)] * 6 == rows()
    wait_for(lambda: rows() == [("closed", 0, 2)] * 6, timeout_s=20)
