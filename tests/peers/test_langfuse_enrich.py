"""Beside LiteLLM's real ``langfuse`` callback, in the same project: one trace, cost not doubled."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from tests.peers.langfuse_mapping import Record
from tests.proxy.conftest import Gateway
from tests.proxy.prices import components, price_of

pytestmark = pytest.mark.proxy

USAGE = "[tokens:120,30,20,10]"
THEIRS = "litellm-acompletion"


@pytest.fixture(scope="module")
def gateway(start_gateway, peer) -> Iterator[Gateway]:
    both = {"success_callback": ["langfuse"], "failure_callback": ["langfuse"]}
    section = {"langfuse": {"flush_interval_s": 0.1}}
    running = start_gateway(
        peer.env(), litellm_settings=both, callback_settings={"litellm_obs": section}
    )
    running.warm_up()
    return running


@pytest.fixture
def ask(gateway, peer, wait_for):
    """Sends a request; gives the answer and its trace once *ours* and *theirs* have come."""

    def act(model: str, extra: str, *, ours: int, theirs: int = 1, **more):
        told = {}

        def send(case: str) -> None:
            prompt = [{"role": "user", "content": f"[case:{case}] {extra}"}]
            body = {"model": model, "messages": prompt, **more}
            told["answer"] = gateway.client.post("/v1/chat/completions", json=body)

        seen = gateway.observe(send)
        trace_id = told["answer"].headers["x-gateway-trace-id"]

        def complete() -> list[Record] | None:
            found = peer.trace(trace_id)
            whole = len(found) >= ours + theirs
            return found if whole else None

        records = wait_for(complete, timeout_s=30)
        assert len(records) == ours + theirs, [(r.type, r.name) for r in records]
        return told["answer"], records, seen.calls

    return act


def cost_of(call: dict, model: str) -> float:
    return math.fsum(components(call, price_of(model)).values())


def split(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """(ours, LiteLLM's)."""
    ours = [r for r in records if r.scope == "langfuse-sdk.litellm_obs_plugin"]
    return ours, [r for r in records if r not in ours]


def assert_cost(records: list[Record], usd: float) -> None:
    """The trace costs what the answer cost, and only LiteLLM's own observation says so."""
    ours, _ = split(records)
    told = [r.total_cost for r in records if r.total_cost is not None]
    assert math.fsum(told) == pytest.approx(usd, abs=1e-12)
    assert all(r.model is None and not r.usage and not r.cost for r in ours)
    assert {r.type for r in ours} <= {"SPAN", "EVENT"}


def test_the_mode_is_told(gateway):
    health = gateway.client.get("/health/gateway").json()["components"]["langfuse"]
    assert health["status"] == "healthy"
    chosen = "mode enrich (LiteLLM's own callback (langfuse) is on for the same project)"
    assert health["message"].startswith(chosen)


@pytest.mark.parametrize("stream", [False, True])
def test_one_trace(ask, stream):
    answer, records, (call,) = ask("chat", USAGE, ours=2, stream=stream)

    assert answer.status_code == 200
    ours, (theirs,) = split(records)
    assert theirs.type == "GENERATION"
    assert [r.type for r in ours] == ["SPAN", "SPAN"]
    assert_cost(records, cost_of(call, "gpt-4o-mini"))
    assert theirs.total_cost == pytest.approx(cost_of(call, "gpt-4o-mini"), abs=1e-12)


def test_a_failover_is_added_to_it(ask):
    """Which LiteLLM itself does not show: failed attempts, why, and the change of provider."""
    extra = f"{USAGE} [fault:gpt-4o=503]"
    _, records, calls = ask("primary", extra, ours=5, theirs=2)

    ours, theirs = split(records)
    assert [r.type for r in ours] == ["SPAN", "SPAN", "SPAN", "EVENT", "SPAN"]
    assert sum(r.level == "ERROR" for r in theirs) == 1  # of two failed attempts
    assert_cost(records, cost_of(calls[-1], "mistral/mistral-large-latest"))
