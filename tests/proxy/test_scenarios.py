"""What callers do, and what the page says of it: every number against the simulator's ledger."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.proxy.prices import OWN_PRICE, components, price_of, total

pytestmark = pytest.mark.proxy

USAGE = "[tokens:120,30]"


def prompt(case: str, extra: str = USAGE) -> str:
    return f"[case:{case}] {extra} hello"


def chat(gateway, model: str, case: str, extra: str = USAGE, **body) -> httpx.Response:
    messages = [{"role": "user", "content": prompt(case, extra)}]
    return gateway.client.post(
        "/v1/chat/completions", json={"model": model, "messages": messages, **body}
    )


def assert_tokens(seen, **where: str) -> None:
    """The page's tokens by type are the ledger's, whose types overlap."""
    page, calls = seen.page, seen.calls

    def ledger(name: str) -> int:
        return sum(call[name] for call in calls)

    by_type = {
        "input": ledger("input_tokens") - ledger("cached_tokens") - ledger("cache_write_tokens"),
        "cached_input": ledger("cached_tokens"),
        "cache_write": ledger("cache_write_tokens"),
        "output": ledger("output_tokens") - ledger("reasoning_tokens"),
        "reasoning": ledger("reasoning_tokens"),
    }
    assert by_type == {t: page.total("tokens_total", type=t, **where) for t in by_type}


def assert_cost(seen, price: dict[str, float]) -> None:
    """Each component within 1e-9 dollars of price times tokens."""
    expected: dict[tuple[str, ...], float] = {}
    for call in seen.calls:
        for name, usd in components(call, price).items():
            expected[(name,)] = expected.get((name,), 0.0) + usd

    assert seen.page.by("cost_usd_total", "component") == pytest.approx(expected, abs=1e-9)
    assert seen.page.total("cost_per_request_usd_sum") == pytest.approx(
        total(seen.calls, price), abs=1e-9
    )


def assert_estimated(seen, price: dict[str, float]) -> None:
    """No usage came: LiteLLM counts the words it saw, and the dollars are those of that count."""
    tokens = {t: seen.page.total("tokens_total", type=t) for t in ("input", "output")}
    expected = {("input",): tokens["input"] * price["input_cost_per_token"]}
    expected[("output",)] = tokens["output"] * price["output_cost_per_token"]

    assert all(tokens.values()), tokens
    assert seen.page.by("cost_usd_total", "component") == pytest.approx(expected, abs=1e-9)
    assert seen.page.total("cost_per_request_usd_sum") == pytest.approx(
        sum(expected.values()), abs=1e-9
    )
    assert seen.page.by("requests_by_cost_status_total", "status") == {("estimated",): 1}


def assert_one(seen, *, outcome: str = "success", stream: str = "false", **labels: str) -> None:
    """Exactly one request was counted, with these labels, and its duration once."""
    labels = {"outcome": outcome, "stream": stream, **labels}
    assert seen.page.total("requests_total") == 1
    assert seen.page.total("requests_total", **labels) == 1, seen.page.samples
    assert seen.page.total("request_duration_seconds_count") == 1


def assert_attempts(seen, *expected: tuple[str, str, str]) -> None:
    """(provider, outcome, error type) of every attempt."""
    counted = seen.page.by("attempts_total", "provider", "outcome", "error_type")
    assert counted == {one: expected.count(one) for one in expected}


def assert_error(seen, error_type: str, source: str) -> None:
    errors = seen.page.by("request_errors_total", "error_type", "source")
    assert errors == {(error_type, source): 1}


OK = "success"
LISTED = {
    "chat": ("openai", "gpt-4o-mini"),
    "claude": ("anthropic", "claude-sonnet-4-5"),
    "backup": ("mistral", "mistral/mistral-large-latest"),
}


@pytest.mark.parametrize("group", LISTED)
def test_chat(gateway, group):
    provider, priced_as = LISTED[group]

    seen = gateway.observe(lambda case: chat(gateway, group, case))

    assert_one(seen, model_group=group, operation="chat")
    assert_attempts(seen, (provider, OK, ""))
    assert_tokens(seen, provider=provider)
    assert_cost(seen, price_of(priced_as))
    assert seen.page.by("requests_by_provider_total", "provider") == {(provider,): 1}
    assert seen.page.total("provider_duration_seconds_count", provider=provider) == 1
    assert seen.page.total("time_to_first_token_seconds_count") == 0


def test_an_alias_counts_under_the_name_that_was_asked_for(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "nickname", case))

    assert_one(seen, model_group="nickname")
    assert seen.page.total("attempts_total", model_group="chat") == 1


def test_a_wildcard_group_counts_under_its_pattern(gateway):
    """Callers choose what stands for the star: it must not become a label."""
    seen = gateway.observe(lambda case: chat(gateway, "wild/gpt-4o-mini", case))

    assert_one(seen, model_group="wild/*")
    assert_cost(seen, price_of("gpt-4o-mini"))


def test_a_name_that_callers_invent_does_not_become_a_label(gateway):
    seen = gateway.observe(lambda case: chat(gateway, f"wild/invented-{case}", case))

    assert_one(seen, model_group="wild/*")
    assert seen.page.by("attempts_total", "model") == {("other",): 1}


def test_streamed_chat(gateway):
    """Time to first token is the provider's own, from the call of the provider."""

    def act(case):
        extra = f"{USAGE} [latency:0.3] [stream:10,0.05]"
        assert "[DONE]" in chat(gateway, "chat", case, extra, stream=True).text

    seen = gateway.observe(act)

    assert_one(seen, model_group="chat", stream="true")
    assert_attempts(seen, ("openai", OK, ""))
    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o-mini"))
    (call,) = seen.calls
    ttft_s = seen.page.total("time_to_first_token_seconds_sum")
    assert ttft_s == pytest.approx(call["ttft_s"], abs=0.15)
    duration_s = seen.page.total("provider_duration_seconds_sum", stream="true")
    assert duration_s == pytest.approx(call["latency_s"], abs=0.15)
    assert duration_s > ttft_s + 0.3


def test_text_completion(gateway):
    def act(case):
        body = {"model": "chat", "prompt": prompt(case)}
        assert gateway.client.post("/v1/completions", json=body).status_code == 200

    seen = gateway.observe(act)

    assert_one(seen, model_group="chat", operation="text_completion")
    assert_tokens(seen)


def test_embeddings(gateway):
    def act(case):
        body = {"model": "embed", "input": prompt(case, "[tokens:400]")}
        assert gateway.client.post("/v1/embeddings", json=body).status_code == 200

    seen = gateway.observe(act)

    assert_one(seen, model_group="embed", operation="embeddings")
    assert_tokens(seen)
    assert_cost(seen, price_of("text-embedding-3-small"))


@pytest.mark.parametrize("stream", [False, True])
def test_responses(gateway, stream):
    def act(case):
        body = {"model": "chat", "input": prompt(case), "stream": stream}
        assert gateway.client.post("/v1/responses", json=body).status_code == 200

    seen = gateway.observe(act)

    assert_one(seen, model_group="chat", operation="responses", stream=str(stream).lower())
    assert_attempts(seen, ("openai", OK, ""))
    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o-mini"))
    assert seen.page.total("time_to_first_token_seconds_count") == 0
    assert seen.page.total("ttft_invalid_total", reason="unmeasurable") == int(stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("group", ["claude", "chat"])
def test_messages(gateway, group, stream):
    """Also of a model that LiteLLM must translate to: that fires the attempt's hooks twice."""
    provider, priced_as = LISTED[group]

    def act(case):
        messages = [{"role": "user", "content": prompt(case)}]
        body = {"model": group, "max_tokens": 100, "messages": messages, "stream": stream}
        assert gateway.client.post("/v1/messages", json=body).status_code == 200

    seen = gateway.observe(act)

    assert_one(seen, model_group=group, operation="messages", stream=str(stream).lower())
    assert_attempts(seen, (provider, OK, ""))
    assert_tokens(seen)
    assert_cost(seen, price_of(priced_as))


def test_cached_and_reasoning_tokens(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "primary", case, "[tokens:1000,200,640,90]"))

    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o"))


def test_cache_writes(gateway):
    extra = "[tokens:1000,200,300,0,250]"
    seen = gateway.observe(lambda case: chat(gateway, "claude", case, extra))

    assert_tokens(seen)
    assert_cost(seen, price_of("claude-sonnet-4-5"))


def test_a_deployment_with_its_own_price(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "own-price", case))

    assert_one(seen, model_group="own-price")
    assert_cost(seen, OWN_PRICE)


def test_a_free_deployment_costs_nothing_and_is_priced(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "free", case))

    assert_one(seen, model_group="free")
    assert seen.page.total("requests_by_cost_status_total", status="priced") == 1
    assert seen.page.total("unpriced_requests_total") == 0


def test_a_model_without_a_price_is_unpriced_and_not_free(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "unpriced", case))

    assert_one(seen, model_group="unpriced")
    assert_tokens(seen)
    assert seen.page.by("unpriced_requests_total", "model_group", "reason") == {
        ("unpriced", "no_price"): 1
    }
    assert seen.page.total("cost_per_request_usd_count") == 0


def test_a_cached_answer(gateway):
    """The second of two equal requests: no attempt, no tokens, no cost; what it saved."""
    gateway.observe(
        lambda case: chat(gateway, "chat", "cache-fill", cache={"use-cache": True}), calls=0
    )
    hit = gateway.observe(
        lambda case: chat(gateway, "chat", "cache-fill", cache={"use-cache": True}), calls=0
    )

    assert_one(hit, model_group="chat", outcome="cache_hit")
    assert hit.page.total("attempts_total") == 0
    assert hit.page.total("tokens_total") == 0
    assert hit.page.total("cost_usd_total") == 0
    assert hit.page.total("cache_requests_total", result="hit") == 1
    saved = hit.page.total("cache_savings_usd_total")
    (paid,) = gateway.calls("cache-fill")
    assert saved == pytest.approx(total([paid], price_of("gpt-4o-mini")), abs=1e-9)


def test_a_retry_that_helps(gateway):
    """One request that succeeded, two attempts."""
    seen = gateway.observe(
        lambda case: chat(gateway, "chat", case, f"{USAGE} [fault:*=500*1]"), calls=2
    )

    assert_one(seen, model_group="chat")
    assert_attempts(seen, ("openai", "error", "server_error"), ("openai", OK, ""))
    assert seen.page.total("request_attempts_sum", model_group="chat") == 2
    assert seen.page.total("request_errors_total") == 0
    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o-mini"))


def test_a_fallback_that_helps(gateway):
    """A success of the group that was asked for; the money goes by who did the work."""
    seen = gateway.observe(
        lambda case: chat(gateway, "primary", case, f"{USAGE} [fault:gpt-4o=503]"), calls=3
    )

    assert_one(seen, model_group="primary")
    failed = ("openai", "error", "overloaded")
    assert_attempts(seen, failed, failed, ("mistral", OK, ""))
    assert seen.page.by("requests_by_provider_total", "provider") == {("mistral",): 1}
    assert seen.page.total("tokens_total", model_group="primary") == 0
    assert_tokens(seen, model_group="backup")
    assert_cost(seen, price_of(LISTED["backup"][1]))


def test_a_fallback_that_fails_too(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "primary", case, "[fault:*=500]"), calls=4)

    assert_one(seen, model_group="primary", outcome="error")
    attempts = seen.page.by("attempts_total", "provider", "outcome")
    assert attempts == {("openai", "error"): 2, ("mistral", "error"): 2}
    assert_error(seen, "server_error", "provider")
    assert seen.page.by("requests_by_provider_total", "provider") == {("mistral",): 1}


FAULTS = {
    "500": ("server_error", "provider"),
    "503": ("overloaded", "provider"),
    "429": ("rate_limit", "provider"),
    "401": ("auth", "provider"),
    "404": ("not_found", "provider"),
    "400": ("bad_request", "client"),
    "context_length": ("context_length", "client"),
    "content_policy": ("content_policy", "client"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_provider_that_fails(gateway, fault):
    """As many attempts as the provider saw, all of one type, and one failed request."""
    error_type, source = FAULTS[fault]

    seen = gateway.observe(lambda case: chat(gateway, "chat", case, f"[fault:*={fault}]"))

    assert_one(seen, model_group="chat", outcome="error")
    assert_attempts(seen, *[("openai", "error", error_type)] * len(seen.calls))
    assert_error(seen, error_type, source)
    assert seen.page.total("cost_usd_total") == 0


def test_a_provider_that_is_too_slow(gateway):
    seen = gateway.observe(
        lambda case: chat(gateway, "impatient", case, "[fault:*=slow:3]"), calls=2
    )

    assert_one(seen, model_group="impatient", outcome="error")
    assert_attempts(seen, *[("openai", "error", "timeout")] * 2)
    assert_error(seen, "timeout", "provider")


def test_a_provider_that_refuses_the_connection(gateway):
    seen = gateway.observe(lambda case: chat(gateway, "closed", case), calls=0)

    assert_one(seen, model_group="closed", outcome="error")
    assert_attempts(seen, *[("openai", "error", "connection")] * 2)
    assert_error(seen, "connection", "provider")


def test_a_stream_that_breaks(gateway):
    """The caller saw HTTP 200 and half an answer: an error, with the tokens that came."""

    def act(case):
        extra = f"{USAGE} [stream:10,0.02] [fault:*=drop]"
        return chat(gateway, "chat", case, extra, stream=True)

    seen = gateway.observe(act)

    assert_one(seen, model_group="chat", stream="true", outcome="error")
    assert_attempts(seen, *[("openai", "error", "connection")] * len(seen.calls))
    assert_error(seen, "connection", "provider")
    assert_estimated(seen, price_of("gpt-4o-mini"))


def test_a_caller_who_hangs_up(gateway):
    def act(case):
        content = prompt(case, f"{USAGE} [stream:200,0.05]")
        body = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": content}]}
        with gateway.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            next(answer.iter_lines())

    seen = gateway.observe(act)

    assert_one(seen, model_group="chat", stream="true", outcome="client_disconnect")
    assert_attempts(seen, ("openai", "client_disconnect", "other"))
    assert seen.page.total("request_errors_total") == 0
    assert_estimated(seen, price_of("gpt-4o-mini"))


def test_a_caller_who_hangs_up_before_the_answer(gateway):
    """Without streaming LiteLLM goes on: the provider's work is done and paid for."""

    def act(case):
        content = prompt(case, f"{USAGE} [latency:1.5]")
        body = {"model": "chat", "messages": [{"role": "user", "content": content}]}
        with pytest.raises(httpx.ReadTimeout):
            gateway.client.post("/v1/chat/completions", json=body, timeout=0.5)

    seen = gateway.observe(act)

    assert_one(seen, model_group="chat")
    assert_attempts(seen, ("openai", OK, ""))
    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o-mini"))


def rejected_unknown_model(gateway, case):
    return chat(gateway, f"no-such-model-{case}", case)


def rejected_without_key(gateway, case):
    return httpx.post(f"{gateway.server.url}/v1/chat/completions", json={"model": "chat"})


def rejected_bad_key(gateway, case):
    auth = {"authorization": "Bearer sk-wrong-key"}
    url = f"{gateway.server.url}/v1/chat/completions"
    return httpx.post(url, json={"model": "chat", "messages": []}, headers=auth)


def rejected_bad_json(gateway, case):
    return gateway.client.post("/v1/chat/completions", content=b"{not json")


def rejected_without_messages(gateway, case):
    return gateway.client.post("/v1/chat/completions", json={"model": "chat"})


def rejected_forbidden_parameter(gateway, case):
    return chat(gateway, "chat", case, input_cost_per_token=0)


REJECTED = {
    rejected_forbidden_parameter: ("chat", {"bad_request"}),
    rejected_unknown_model: ("other", {"bad_request", "not_found"}),
    rejected_without_key: ("chat", {"auth"}),
    rejected_bad_key: ("chat", {"auth", "bad_request"}),
    rejected_bad_json: ("other", {"bad_request"}),
    rejected_without_messages: ("chat", {"bad_request"}),
}


@pytest.mark.parametrize("act", REJECTED, ids=lambda act: act.__name__)
def test_a_request_that_is_refused(gateway, act):
    """Refused because of the caller, before any deployment was called."""
    group, error_types = REJECTED[act]

    def refused(case):
        assert act(gateway, case).status_code >= 400

    seen = gateway.observe(refused, calls=0)

    assert seen.page.total("requests_total", outcome="rejected") == 1, seen.page.samples
    assert seen.page.by("requests_total", "model_group") == {(group,): 1}
    assert seen.page.total("attempts_total") == 0
    ((error_type, source),) = seen.page.by("request_errors_total", "error_type", "source")
    assert error_type in error_types
    assert source == "client"
    assert seen.calls == []


def test_all_deployments_rest(gateway):
    """In cooldown nothing is called: the gateway's own error."""
    first = gateway.observe(lambda case: chat(gateway, "fragile", case, "[fault:*=401]"), calls=1)
    assert first.page.total("requests_total", outcome="error") == 1

    resting = gateway.observe(lambda case: chat(gateway, "fragile", case), calls=0)

    assert_one(resting, model_group="fragile", outcome="error")
    assert resting.page.total("attempts_total") == 0
    assert_error(resting, "overloaded", "gateway")


HIDING = {
    "no log": {"no-log": True},
    "a health check's tag": {"metadata": {"tags": ["litellm-internal-health-check"]}},
    "parameters of the proxy's own": {"litellm_params": {"metadata": {}}},
    "tags that are no list": {"metadata": {"tags": "text"}},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("how", HIDING)
def test_a_caller_who_would_rather_not_be_counted(gateway, wait_for, how, stream):
    """What it costs is paid: the attempts, tokens and dollars are there, and nothing stays open."""
    extra, body = f"{USAGE} [fault:*=500*1]", {**HIDING[how], "stream": stream}
    seen = gateway.observe(lambda case: chat(gateway, "primary", case, extra, **body), calls=2)

    assert_one(seen, model_group="primary", stream=str(stream).lower())
    assert_attempts(seen, ("openai", "error", "server_error"), ("openai", OK, ""))
    assert_tokens(seen)
    paid_usd = total(seen.calls, price_of("gpt-4o"))
    assert seen.page.total("cost_usd_total") == pytest.approx(paid_usd, abs=1e-9)
    wait_for(lambda: gateway.scrape().total("inflight_requests", model_group="primary") == 0)


def test_a_body_of_the_wrong_shape_is_not_the_providers_fault(gateway):
    """LiteLLM calls it a connection error, tries again, and answers 400."""

    def act(case):
        body = {"model": "chat", "messages": f"no list [case:{case}]"}
        assert gateway.client.post("/v1/chat/completions", json=body).status_code == 400

    seen = gateway.observe(act, calls=0)

    assert_one(seen, model_group="chat", outcome="error")
    assert_error(seen, "bad_request", "client")
    assert set(seen.page.by("attempts_total", "error_type")) == {("bad_request",)}


def test_pass_through(gateway):
    def act(case):
        messages = [{"role": "user", "content": prompt(case)}]
        body = {"model": "gpt-4o-mini", "messages": messages}
        assert gateway.client.post("/through", json=body).status_code == 200

    seen = gateway.observe(act)

    assert_one(seen, model_group="other", operation="passthrough")
    assert seen.page.by("requests_by_provider_total", "provider") == {("openai",): 1}
    assert seen.page.total("cost_per_request_usd_count") == 0
    assert seen.page.total("unpriced_requests_total", reason="no_usage") == 1


def test_the_hosts_own_health_checks_do_not_count(gateway):
    before = gateway.scrape()
    health = gateway.client.get("/health", params={"model": "backup"})
    assert health.json()["healthy_count"] == 1

    seen = gateway.observe(lambda case: chat(gateway, "chat", case))

    assert_one(seen, model_group="chat")
    assert gateway.scrape().since(before).total("attempts_total") == 1


def test_callers_who_choose_the_same_call_id(gateway):
    """The id alone does not make a request."""
    headers = {"x-litellm-call-id": "chosen-by-the-caller"}

    def act(case):
        for _ in range(3):
            messages = [{"role": "user", "content": prompt(case)}]
            body = {"model": "chat", "messages": messages}
            gateway.client.post("/v1/chat/completions", json=body, headers=headers)

    seen = gateway.observe(act, requests=3, calls=3)

    assert seen.page.total("requests_total", outcome="success") == 3
    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o-mini"))


def test_callers_who_choose_the_same_call_id_at_the_same_time(gateway):
    """Eight under way together, each with tokens of its own."""
    headers = {"x-litellm-call-id": "chosen-by-many"}

    def act(case):
        def one(i: int) -> int:
            content = prompt(case, f"[tokens:{100 + i},{i}] [latency:0.3]")
            body = {"model": "chat", "messages": [{"role": "user", "content": content}]}
            answer = gateway.client.post("/v1/chat/completions", json=body, headers=headers)
            return answer.status_code

        with ThreadPoolExecutor(8) as pool:
            assert [200] * 8 == list(pool.map(one, range(8)))

    seen = gateway.observe(act, requests=8, calls=8)

    assert seen.page.by("requests_total", "outcome") == {("success",): 8}
    assert seen.page.total("attempts_total", outcome="success") == 8
    assert_tokens(seen)
    assert_cost(seen, price_of("gpt-4o-mini"))


def test_many_at_once(gateway):
    """A hundred requests of three kinds at the same time: nothing is mixed up or lost."""
    kinds = ("", "[fault:*=500*1]", "[fault:*=500]")

    def act(case):
        def one(i: int) -> int:
            extra = f"[tokens:{100 + i},{i}] {kinds[i % 3]}"
            return chat(gateway, "chat", f"{case}-{i}", extra).status_code

        with ThreadPoolExecutor(20) as pool:
            assert sorted(pool.map(one, range(99)))[:66] == [200] * 66

    seen = gateway.observe(act, requests=99, calls=0)

    assert seen.page.by("requests_total", "outcome") == {("success",): 66, ("error",): 33}
    assert seen.page.total("attempts_total") == 33 + 33 * 2 + 33 * 2
    answered = [i for i in range(99) if i % 3 < 2]
    assert seen.page.total("tokens_total", type="input") == sum(100 + i for i in answered)
    assert seen.page.total("tokens_total", type="output") == sum(answered)


def test_latency_quantiles(gateway):
    """p50, p95 and p99 in the JSON are the durations that callers and simulator saw."""
    latencies_s = [0.2 + 0.02 * i for i in range(40)]

    def act(case):
        with ThreadPoolExecutor(8) as pool:
            list(
                pool.map(
                    lambda s: chat(gateway, "own-price", case, f"{USAGE} [latency:{s:.2f}]"),
                    latencies_s,
                )
            )

    seen = gateway.observe(act, requests=40, calls=40)

    measured_s = seen.page.total("provider_duration_seconds_sum")
    truth_s = sum(call["latency_s"] for call in seen.calls)
    assert measured_s == pytest.approx(truth_s, rel=0.05)
    row = next(r for r in gateway.json()["models"] if r["model"] == "in-house-7b")
    assert row["requests"] >= 40
    truth_ms = sorted(1000 * call["latency_s"] for call in gateway_calls(gateway, "in-house-7b"))
    for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        exact_ms = truth_ms[int(q * (len(truth_ms) - 1))]
        assert row["latency"][name] == pytest.approx(exact_ms, rel=0.011, abs=40), name


def gateway_calls(gateway, model: str) -> list[dict]:
    every = gateway.simulator.get("/_sim/calls").json()
    return [call for call in every if call["model"] == model]


def test_json_agrees_with_the_page(gateway):
    """Both show the same snapshot, whatever has happened until now."""
    gateway.observe(lambda case: chat(gateway, "chat", case))
    page, answer = gateway.scrape(), gateway.json()

    success = page.total("requests_total", outcome="success")
    cached = page.total("requests_total", outcome="cache_hit")
    failed = page.total("requests_total", outcome="error")
    rejected = page.total("requests_total", outcome="rejected")
    assert answer["requests"]["success"] == success + cached
    assert answer["requests"]["error"] == failed + rejected
    assert answer["requests"]["total"] == success + cached + failed + rejected
    assert sum(answer["requests"]["byModel"].values()) == answer["requests"]["total"]
    assert sum(answer["requests"]["byProvider"].values()) == answer["requests"]["total"]
    assert answer["costs"]["total"] == pytest.approx(page.total("cost_usd_total"), abs=1e-9)
    assert answer["tokens"]["total"] == page.total("tokens_total")
    truth = gateway.simulator.get("/_sim/totals").json()
    assert truth["calls"] > 0
    assert json.dumps(answer)
