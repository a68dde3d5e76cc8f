"""What the caller is told: response headers, and the gateway object of /api/llm."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
import pytest

from tests.proxy.prices import price_of, total
from tests.proxy.server import MASTER_KEY
from tests.proxy.test_scenarios import USAGE, chat, prompt

pytestmark = pytest.mark.proxy

TIMING = re.compile(r"provider;dur=([\d.]+), gateway;dur=([\d.]+), queue;dur=([\d.]+)")
BACKOFF = re.compile(r".*, backoff;dur=([\d.]+)")


def ask_llm(gateway, model: str, case: str, extra: str = USAGE, **body):
    messages = [{"role": "user", "content": prompt(case, extra)}]
    return gateway.client.post("/api/llm", json={"model": model, "messages": messages, **body})


def event_of(text: str) -> dict:
    """The data of the event `gateway`, which must stand just before the end."""
    blocks = [block for block in text.strip().split("\n\n") if block]
    at = next(i for i, block in enumerate(blocks) if block.startswith("event: gateway"))
    assert at >= len(blocks) - 2
    return json.loads(blocks[at].split("data: ", 1)[1])


def test_headers_of_an_answer(gateway):
    answers = []
    seen = gateway.observe(
        lambda case: answers.append(chat(gateway, "chat", case, f"{USAGE} [latency:0.3]"))
    )

    (headers,) = [answer.headers for answer in answers]
    assert headers["x-gateway-request-id"] == headers["x-litellm-call-id"]
    assert headers["x-gateway-trace-id"] == headers["x-litellm-call-id"].replace("-", "")
    assert ("openai", "gpt-4o-mini", "1", "0") == tuple(
        headers[f"x-gateway-{name}"] for name in ("provider", "model", "attempts", "failovers")
    )
    cost_usd = total(seen.calls, price_of("gpt-4o-mini"))
    assert float(headers["x-gateway-cost-usd"]) == pytest.approx(cost_usd, abs=1e-9)
    provider_ms, gateway_ms, queue_ms = map(
        float, TIMING.fullmatch(headers["server-timing"]).groups()
    )
    assert provider_ms == pytest.approx(1000 * seen.calls[0]["latency_s"], abs=50)
    assert gateway_ms >= 0
    assert queue_ms >= 0


BODIES = {
    "/v1/completions": {"model": "chat", "prompt": f"{USAGE} hello"},
    "/v1/embeddings": {"model": "embed", "input": "[tokens:40] hello"},
    "/v1/responses": {"model": "chat", "input": f"{USAGE} hello"},
    "/v1/messages": {
        "model": "claude",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": f"{USAGE} hello"}],
    },
}


@pytest.mark.parametrize("route", BODIES)
def test_headers_on_every_route(gateway, route):
    """Of /v1/messages LiteLLM computes the cost only after its answer has gone out."""
    headers = gateway.client.post(route, json=BODIES[route]).headers

    assert headers["x-gateway-request-id"] == headers["x-litellm-call-id"]
    assert headers["x-gateway-attempts"] == "1"
    assert headers["x-gateway-provider"] in ("openai", "anthropic")
    if route == "/v1/messages":
        assert "x-gateway-cost-usd" not in headers
    else:
        assert float(headers["x-gateway-cost-usd"]) > 0
    assert TIMING.fullmatch(headers["server-timing"])


def test_headers_after_a_failover(gateway):
    answers = []
    gateway.observe(
        lambda case: answers.append(chat(gateway, "primary", case, f"{USAGE} [fault:gpt-4o=503]")),
        calls=3,
    )

    headers = answers[0].headers
    assert ("mistral", "mistral-large-latest", "3", "1") == tuple(
        headers[f"x-gateway-{name}"] for name in ("provider", "model", "attempts", "failovers")
    )


def test_headers_when_the_first_choice_rests(gateway):
    """It was not even called: one attempt, one failover, as in the ledger."""
    gateway.observe(lambda case: chat(gateway, "resting", case, "[fault:gpt-4o=401]"))
    answers = []
    gateway.observe(lambda case: answers.append(chat(gateway, "resting", case)))

    headers = answers[0].headers
    assert ("1", "1") == (headers["x-gateway-attempts"], headers["x-gateway-failovers"])


def test_headers_tell_the_back_off_apart(gateway):
    answers = []
    seen = gateway.observe(
        lambda case: answers.append(chat(gateway, "chat", case, f"{USAGE} [fault:*=429*1]")),
        calls=2,
    )

    (backoff_ms,) = map(float, BACKOFF.fullmatch(answers[0].headers["server-timing"]).groups())
    counted_s = seen.page.total("overhead_seconds_sum", phase="backoff")
    assert backoff_ms == pytest.approx(1000 * counted_s, abs=5)


def test_headers_of_a_failure(gateway):
    answers = []
    gateway.observe(lambda case: answers.append(chat(gateway, "chat", case, "[fault:*=500]")))

    headers = answers[0].headers
    assert answers[0].status_code == 500
    assert headers["x-gateway-attempts"] == "2"
    assert headers["x-gateway-provider"] == "openai"
    assert "x-gateway-cost-usd" not in headers


@pytest.mark.parametrize("group", ["unpriced", "chat"])
def test_a_cost_that_is_not_known_is_left_out(gateway, group):
    """Of a model without a price, and of a stream, whose cost is known only at its end."""
    answer = chat(gateway, group, "headers", stream=group == "chat")

    assert "x-gateway-cost-usd" not in answer.headers
    assert answer.headers["x-gateway-attempts"] == "1"


def test_a_cached_answer_costs_nothing(gateway):
    cached = {"cache": {"use-cache": True}}
    first = chat(gateway, "chat", "cached-headers", **cached)
    second = chat(gateway, "chat", "cached-headers", **cached)

    assert float(first.headers["x-gateway-cost-usd"]) > 0
    assert float(second.headers["x-gateway-cost-usd"]) == 0


def test_the_callers_trace_id(gateway):
    """A W3C trace context of the caller goes through to what we say."""
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    messages = [{"role": "user", "content": prompt("trace")}]
    answer = gateway.client.post(
        "/v1/chat/completions",
        json={"model": "chat", "messages": messages},
        headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"},
    )

    assert answer.headers["x-gateway-trace-id"] == trace_id


def test_api_llm(gateway):
    answers = []
    seen = gateway.observe(
        lambda case: answers.append(ask_llm(gateway, "chat", case, f"{USAGE} [latency:0.2]"))
    )

    body = answers[0].json()
    told = body["gateway"]
    assert body["choices"][0]["message"]["content"]
    assert told["requestId"] == answers[0].headers["x-litellm-call-id"]
    assert ("openai", "gpt-4o-mini", "dep-chat", 1, 0, "priced") == tuple(
        told[k] for k in ("provider", "model", "deployment", "attempts", "failovers", "costStatus")
    )
    cost_usd = total(seen.calls, price_of("gpt-4o-mini"))
    assert told["costUsd"] == pytest.approx(cost_usd, abs=1e-9)
    assert told["tokens"] == {"input": 120, "output": 30, "total": 150}
    provider_ms = 1000 * seen.calls[0]["latency_s"]
    assert told["timing"]["providerMs"] == pytest.approx(provider_ms, abs=50)
    assert told["timing"]["totalMs"] >= told["timing"]["providerMs"]
    assert seen.page.total("requests_total", operation="chat", outcome="success") == 1


def test_api_llm_stream(gateway):
    answers = []
    seen = gateway.observe(
        lambda case: answers.append(ask_llm(gateway, "primary", case, stream=True))
    )

    told = event_of(answers[0].text)
    assert answers[0].text.rstrip().endswith("data: [DONE]")
    assert told["costStatus"] == "priced"
    assert told["costUsd"] == pytest.approx(total(seen.calls, price_of("gpt-4o")), abs=1e-9)
    assert told["timing"]["ttftMs"] > 0


def test_api_llm_broken_stream(gateway):
    """No [DONE] comes; the event is the last one."""
    answers = []
    gateway.observe(
        lambda case: answers.append(
            ask_llm(gateway, "chat", case, f"{USAGE} [stream:10,0.02] [fault:*=drop]", stream=True)
        )
    )

    told = event_of(answers[0].text)
    assert told["outcome"] == "error"


def test_api_llm_failure(gateway):
    answers = []
    gateway.observe(lambda case: answers.append(ask_llm(gateway, "chat", case, "[fault:*=500]")))

    body = answers[0].json()
    assert answers[0].status_code == 500
    assert body["error"]
    assert ("error", 2) == (body["gateway"]["outcome"], body["gateway"]["attempts"])


def test_api_llm_of_a_body_that_is_refused(gateway):
    answer = gateway.client.post("/api/llm", json={"model": 5, "messages": []})

    assert answer.status_code == 400
    told = answer.json()["gateway"]
    assert ("rejected", 0, None, "unknown") == tuple(
        told[k] for k in ("outcome", "attempts", "costUsd", "costStatus")
    )


def test_api_llm_with_an_id_that_others_use_at_the_same_time(gateway):
    """Callers may choose the id, also one that they know of somebody else: each is told its own."""

    def act(case):
        def one(i: int) -> dict:
            content = prompt(case, f"[tokens:{100 + i},{i}] [latency:{0.1 * i:.1f}]")
            body = {"model": "chat", "messages": [{"role": "user", "content": content}]}
            headers = {"x-litellm-call-id": "known-to-many"}
            return gateway.client.post("/api/llm", json=body, headers=headers).json()["gateway"]

        with ThreadPoolExecutor(5) as pool:
            told.extend(pool.map(one, range(1, 6)))

    told: list[dict] = []
    gateway.observe(act, requests=5, calls=5)

    assert [(100 + i, i) for i in range(1, 6)] == [
        (t["tokens"]["input"], t["tokens"]["output"]) for t in told
    ]


def test_api_llm_without_a_key(proxy, gateway):
    answer = gateway.client.post(
        "/api/llm", json={"model": "chat", "messages": []}, headers={"authorization": ""}
    )

    assert answer.status_code == 401
    assert "gateway" not in answer.json()


@pytest.fixture
def openai_client(proxy):
    with openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=MASTER_KEY, max_retries=0) as client:
        yield client


def test_the_official_openai_client(openai_client):
    messages = [{"role": "user", "content": prompt("openai-client")}]
    raw = openai_client.chat.completions.with_raw_response.create(model="chat", messages=messages)

    assert raw.headers["x-gateway-provider"] == "openai"
    assert raw.parse().usage.prompt_tokens == 120


def test_the_official_openai_client_streaming(openai_client):
    messages = [{"role": "user", "content": prompt("openai-client")}]
    with openai_client.chat.completions.with_streaming_response.create(
        model="chat", messages=messages, stream=True
    ) as raw:
        assert raw.headers["x-gateway-attempts"] == "1"
        chunks = list(raw.parse())

    assert any(chunk.choices and chunk.choices[0].delta.content for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_the_official_openai_client_against_api_llm(proxy, stream):
    """With the base URL `/api/llm`, unchanged; the event does not disturb its stream."""
    messages = [{"role": "user", "content": prompt("openai-client")}]
    base_url = f"{proxy.url}/api/llm"
    with openai.OpenAI(base_url=base_url, api_key=MASTER_KEY, max_retries=0) as client:
        create = client.chat.completions.with_raw_response.create
        raw = create(model="chat", messages=messages, stream=stream)
        answer = raw.parse()

        assert raw.headers["x-gateway-attempts"] == "1"
        if stream:
            assert "".join(one.delta.content or "" for c in answer for one in c.choices)
        else:
            assert answer.model_extra["gateway"]["provider"] == "openai"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("group", "provider"), [("claude", "anthropic"), ("chat", "openai")])
def test_the_official_anthropic_client(proxy, group, provider, stream):
    """Also with a model of another provider, to which LiteLLM translates."""
    messages = [{"role": "user", "content": prompt("anthropic-client")}]
    with anthropic.Anthropic(base_url=proxy.url, api_key=MASTER_KEY, max_retries=0) as client:
        raw = client.messages.with_raw_response.create(
            model=group, max_tokens=50, messages=messages, stream=stream
        )
        answer = raw.parse()
        if stream:
            assert any(event.type == "message_stop" for event in answer)
        else:
            assert answer.usage.output_tokens == 30

    assert raw.headers["x-gateway-provider"] == provider


def test_the_ledger_has_them(gateway):
    """Slow, failed and recent requests, and failovers, each by its id."""
    failed = []
    gateway.observe(lambda case: failed.append(chat(gateway, "primary", case, "[fault:*=500]")))
    call_id = failed[0].headers["x-litellm-call-id"]

    for kind in ("failed", "recent"):
        rows = gateway.ask("/api/gateway/requests", kind=kind)
        (row,) = [r for r in rows if r["id"] == call_id]
        assert ("error", "server_error", 4) == (
            row["outcome"],
            row["error"]["type"],
            len(row["attempts"]),
        )
    hops = gateway.ask("/api/gateway/failovers")
    (hop,) = [h for h in hops if h["requestId"] == call_id]
    assert ("primary", "backup", "failed") == (
        hop["from"]["modelGroup"],
        hop["to"]["modelGroup"],
        hop["outcome"],
    )
    assert 4 == hop["attemptCount"] == len(hop["attempts"])


@pytest.mark.parametrize("query", [{"kind": "weird"}, {"limit": "0"}, {"limit": "ten"}])
def test_a_bad_query_of_the_ledger(gateway, query):
    answer = gateway.client.get("/api/gateway/requests", params=query)

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", *query]
