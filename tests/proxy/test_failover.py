"""Retries and failovers through the real proxy: how many, why, how long, at what price."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from tests.proxy.prices import components, price_of
from tests.proxy.test_scenarios import (
    USAGE,
    assert_attempts,
    assert_cost,
    assert_one,
    assert_tokens,
    chat,
)

pytestmark = pytest.mark.proxy

OK = "success"
MISTRAL = "mistral/mistral-large-latest"


def cost_of(call: dict, model: str) -> float:
    return math.fsum(components(call, price_of(model)).values())


def assert_delay(seen, expected_s: float) -> None:
    assert seen.page.total("failover_delay_seconds_count") == 1
    assert seen.page.total("failover_delay_seconds_sum") == pytest.approx(expected_s, abs=0.05)


def test_a_retry_is_not_a_failover(gateway):
    seen = gateway.observe(
        lambda case: chat(gateway, "chat", case, f"{USAGE} [fault:*=429*1]"), calls=2
    )

    assert seen.page.by("retries_total", "provider", "reason") == {("openai", "rate_limit"): 1}
    assert seen.page.total("failovers_total") == 0
    first, second = seen.calls
    pause_s = second["at"] - first["at"] - first["latency_s"]
    backoff_s = seen.page.total("overhead_seconds_sum", phase="backoff")
    assert backoff_s == pytest.approx(pause_s, abs=0.05)
    assert pause_s > 1.5, "the provider asked for 2 s in retry-after"
    assert seen.page.total("provider_duration_seconds_sum") < 1
    assert_cost(seen, price_of("gpt-4o-mini"))


def test_a_failover(gateway):
    """Who was left and who answered, the time until then, and the difference in price."""
    extra = "[tokens:1000,300] [latency:0.3] [fault:gpt-4o=503]"
    seen = gateway.observe(lambda case: chat(gateway, "primary", case, extra), calls=3)

    labels = ("from_model_group", "to_model_group", "reason", "outcome")
    hop = ("primary", "backup", "overloaded", "recovered")
    assert seen.page.by("failovers_total", *labels) == {hop: 1}
    first, _, answer = seen.calls
    assert_delay(seen, answer["at"] - first["at"])
    added = cost_of(answer, MISTRAL) - cost_of(answer, "gpt-4o")
    sign = "added" if added >= 0 else "saved"
    assert seen.page.by("failover_cost_usd_total", "sign") == pytest.approx(
        {(sign,): abs(added)}, abs=1e-9
    )


def test_a_streamed_failover(gateway):
    def act(case):
        extra = f"{USAGE} [stream:5,0.02] [fault:gpt-4o=500]"
        assert "[DONE]" in chat(gateway, "primary", case, extra, stream=True).text

    seen = gateway.observe(act, calls=3)

    assert_one(seen, model_group="primary", stream="true")
    assert seen.page.total("failovers_total", outcome="recovered") == 1
    assert_delay(seen, seen.calls[-1]["at"] - seen.calls[0]["at"])
    assert_tokens(seen, model_group="backup")
    assert_cost(seen, price_of(MISTRAL))


def test_a_streamed_failover_of_which_litellm_tells_no_usage(gateway):
    """From Anthropic to OpenAI it neither asks for the usage nor counts: not known, never zero."""

    def act(case):
        extra = f"{USAGE} [stream:5,0.01] [fault:claude-sonnet-4-5=500]"
        chat(gateway, "claude", case, extra, stream=True, fallbacks=["primary"])

    seen = gateway.observe(act, calls=3)

    assert_one(seen, model_group="claude", stream="true")
    assert seen.page.total("tokens_total") == 0
    assert seen.page.total("cost_per_request_usd_count") == 0
    assert seen.page.by("unpriced_requests_total", "reason") == {("no_usage",): 1}


def test_a_stream_that_breaks_before_its_first_word(gateway):
    """HTTP 200 had come, and LiteLLM goes to the fallback all the same: no hook tells of it."""

    def act(case):
        extra = f"{USAGE} [stream:5,0.02] [fault:gpt-4o=hangup]"
        assert "[DONE]" in chat(gateway, "primary", case, extra, stream=True).text

    seen = gateway.observe(act, calls=2)

    assert_one(seen, model_group="primary", stream="true")
    assert_attempts(seen, ("openai", "error", "connection"), ("mistral", OK, ""))
    hops = seen.page.by("failovers_total", "to_model_group", "reason", "outcome")
    assert hops == {("backup", "connection", "recovered"): 1}
    broken, answer = seen.calls
    assert_delay(seen, answer["at"] - broken["at"])
    seen.calls = [answer]  # of the broken one nobody was told any usage
    assert_tokens(seen, model_group="backup")
    assert_cost(seen, price_of(MISTRAL))


def test_a_chain_of_three(gateway):
    """The second fails too, the third answers: two hops, one recovered request."""
    extra = f"{USAGE} [fault:gpt-4o=500] [fault:mistral-large-latest=429]"
    seen = gateway.observe(lambda case: chat(gateway, "chain", case, extra), calls=5)

    assert_one(seen, model_group="chain")
    labels = ("from_model_group", "to_model_group", "reason", "outcome")
    assert seen.page.by("failovers_total", *labels) == {
        ("chain", "backup", "server_error", "failed"): 1,
        ("backup", "claude", "rate_limit", "recovered"): 1,
    }
    assert_delay(seen, seen.calls[-1]["at"] - seen.calls[0]["at"])
    assert seen.page.by("retries_total", "provider", "reason") == {
        ("openai", "server_error"): 1,
        ("mistral", "rate_limit"): 1,
    }
    assert_cost(seen, price_of("claude-sonnet-4-5"))


def test_all_fail(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "primary", case, "[fault:*=500]"), calls=4)

    assert seen.page.by("failovers_total", "outcome") == {("failed",): 1}
    assert seen.page.total("failover_delay_seconds_count") == 0
    assert seen.page.total("failover_cost_usd_total") == 0


def test_a_group_that_rests_is_left_at_once(gateway):
    """In cooldown the first choice is not even called; that is a failover too."""
    gateway.observe(lambda case: chat(gateway, "resting", case, "[fault:gpt-4o=401]"))

    seen = gateway.observe(lambda case: chat(gateway, "resting", case))

    assert_one(seen, model_group="resting")
    assert_attempts(seen, ("mistral", OK, ""))
    hops = seen.page.by("failovers_total", "from_model_group", "reason", "outcome")
    assert hops == {("resting", "overloaded", "recovered"): 1}
    (answer,) = seen.calls
    added = cost_of(answer, MISTRAL) - cost_of(answer, "gpt-4o")
    total = seen.page.total("failover_cost_usd_total")
    assert total == pytest.approx(abs(added), abs=1e-9)


def test_the_simulator_saw_the_calls_in_this_order(gateway):
    """What the other tests lean on: the ledger's times rise."""
    seen = gateway.observe(
        lambda case: chat(gateway, "primary", case, f"{USAGE} [fault:gpt-4o=503]"), calls=3
    )

    assert all(a["at"] <= b["at"] for a, b in pairwise(seen.calls))
