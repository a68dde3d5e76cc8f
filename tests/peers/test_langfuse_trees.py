"""Every kind of request through the real proxy: what Langfuse would store of it, exactly."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.peers.langfuse_mapping import Record
from tests.proxy.conftest import Gateway
from tests.proxy.prices import OWN_PRICE, components, price_of

pytestmark = pytest.mark.proxy


@dataclass(frozen=True, kw_only=True)
class Timed:
    """How far each attempt's start and end were from the provider's; *repeat* does it again."""

    scenario: str
    off_s: list[float]
    repeat: Callable[[], list[float]]


USAGE = "[tokens:120,30,20,10]"
TOLERANCE_S = 0.02
STREAM_END_S = 0.1  # LiteLLM tells when it has put a stream together, which is after its last byte
AGAIN = 5  # times that a scenario may be repeated until a busy machine is out of the way
TIMED: list[Timed] = []
WARM_UP = 6  # traces
MISTRAL = "mistral/mistral-large-latest"


@pytest.fixture(scope="module")
def gateway(start_gateway, peer, wait_for) -> Iterator[Gateway]:
    section = {"langfuse": {"flush_interval_s": 0.1, "environment": "test", "release": "r1"}}
    running = start_gateway(peer.env(), callback_settings={"litellm_obs": section})
    running.warm_up()
    wait_for(lambda: len(peer.trace_ids()) == WARM_UP)
    return running


@pytest.fixture(scope="module")
def traced(gateway, peer, wait_for):
    """Does something and gives the one trace that came of it, with the simulator's calls."""

    def act(do, *, calls: int = 1, size: int | None = None):
        before = peer.trace_ids()
        seen = gateway.observe(do, calls=calls)
        (trace_id,) = wait_for(lambda: peer.trace_ids() - before)
        records = peer.trace(trace_id)
        assert size is None or len(records) == size, [r.name for r in records]
        return records, seen

    return act


@pytest.fixture
def timed(traced, request):
    """As *traced*, and the attempts' starts and ends are judged, once all scenarios are over.

    Without *has_end* only the starts: the provider saw the end later than the gateway, or not.
    """

    def act(do, *, calls: int = 1, size: int | None = None, has_end: bool = True):
        def measure():
            records, seen = traced(do, calls=calls, size=size)
            return records, seen, deviations(records, seen.calls, has_end=has_end)

        records, seen, off_s = measure()
        name = request.node.name
        TIMED.append(Timed(scenario=name, off_s=off_s, repeat=lambda: measure()[2]))
        return records, seen

    return act


def deviations(records: list[Record], calls: list[dict], *, has_end: bool) -> list[float]:
    """Start and end of every attempt, less those that the simulator has seen."""
    attempts = [r for r in records if r.type == "GENERATION"]
    assert len(attempts) == len(calls)
    off_s = []
    for attempt, call in zip(attempts, calls, strict=True):
        off_s.append(attempt.start_ms / 1000 - call["at"])
        if has_end:
            late_s = attempt.end_ms / 1000 - call["at"] - call["latency_s"]
            told_late = call["stream"] and call["status"] == 200
            off_s.append(late_s if not told_late else late_s - min(max(late_s, 0), STREAM_END_S))
    return off_s


def prompt(case: str, extra: str = USAGE) -> list[dict]:
    return [{"role": "user", "content": f"[case:{case}] {extra} hello"}]


def chat(gateway: Gateway, model: str, case: str, extra: str = USAGE, **body):
    headers = body.pop("headers", None)
    return gateway.client.post(
        "/v1/chat/completions",
        json={"model": model, "messages": prompt(case, extra), **body},
        headers=headers,
    )


def shape(records: list[Record]) -> list[tuple[str, str, str]]:
    return [(r.type, r.name, r.level) for r in records]


def cost_of(call: dict, model: str) -> float:
    return math.fsum(components(call, price_of(model)).values())


def assert_sound(records: list[Record], *, cost_usd: float) -> None:
    """What holds for every trace, whatever happened."""
    root, *rest = records
    assert [root.parent_id] == [None]
    assert all(r.parent_id == root.id for r in rest)
    assert len({r.id for r in records}) == len(records)
    assert all(root.start_ms <= r.start_ms <= r.end_ms <= root.end_ms for r in rest)
    assert not any(r.phantom for r in records)
    told = [r.total_cost for r in records if r.total_cost is not None]
    assert math.fsum(told) == pytest.approx(cost_usd, abs=1e-12)
    assert sum(total > 0 for total in told) == (cost_usd > 0)
    for r in records:
        assert (r.environment, r.release) == ("test", "r1")
        assert r.scope == "langfuse-sdk.litellm_obs_plugin"
        assert "attributes" not in r.metadata
        assert r.trace_name == "litellm.request"


OK = ("GENERATION", "attempt 1 openai/gpt-4o-mini", "DEFAULT")
ROOT = "litellm.request"


def test_chat(gateway, timed):
    answers = []
    records, seen = timed(lambda case: answers.append(chat(gateway, "chat", case)), size=2)

    told_usd = float(answers[0].headers["x-litellm-response-cost"])
    assert records[1].total_cost == pytest.approx(told_usd, abs=1e-12)
    assert shape(records) == [("SPAN", ROOT, "DEFAULT"), OK]
    (call,) = seen.calls
    assert_sound(records, cost_usd=cost_of(call, "gpt-4o-mini"))
    root, attempt = records
    assert attempt.model == "gpt-4o-mini"
    assert attempt.usage == {
        "input": 100,
        "input_cached_tokens": 20,
        "output": 20,
        "output_reasoning_tokens": 10,
        "total": 150,
    }
    assert attempt.completion_start is None  # not streamed: there is no first token
    assert attempt.metadata["billed"] is True
    assert root.metadata["attempts"] == 1
    assert root.metadata["trace_cost_usd"] == pytest.approx(attempt.total_cost, abs=1e-12)
    assert root.input is root.output is attempt.input is attempt.output is None


def test_a_stream(gateway, timed):
    def act(case):
        extra = f"{USAGE} [latency:0.3] [stream:10,0.05]"
        assert "[DONE]" in chat(gateway, "chat", case, extra, stream=True).text

    records, seen = timed(act, size=2)

    assert shape(records) == [("SPAN", ROOT, "DEFAULT"), OK]
    assert_sound(records, cost_usd=cost_of(seen.calls[0], "gpt-4o-mini"))
    assert records[1].completion_start is not None
    assert 300 <= records[1].metadata["ttft_ms"] < 450


def test_a_failover(gateway, timed):
    """Two failures, an event, the answer; one of them costs."""
    extra = f"{USAGE} [latency:0.2] [fault:gpt-4o=503]"
    records, seen = timed(lambda case: chat(gateway, "primary", case, extra), calls=3, size=5)

    assert shape(records) == [
        ("SPAN", ROOT, "WARNING"),
        ("GENERATION", "attempt 1 openai/gpt-4o", "ERROR"),
        ("GENERATION", "attempt 2 openai/gpt-4o", "ERROR"),
        ("EVENT", "provider.failover", "WARNING"),
        ("GENERATION", "attempt 3 mistral/mistral-large-latest", "DEFAULT"),
    ]
    assert_sound(records, cost_usd=cost_of(seen.calls[2], MISTRAL))
    root, first, second, event, answer = records
    assert first.cost == second.cost == {"total": 0}
    assert first.status_message.startswith("ServiceUnavailableError 503: ")
    assert first.metadata["normalized_error"] == "503_PROVIDER_OVERLOADED"
    assert first.metadata["error_class"] == "ServiceUnavailableError"
    assert first.metadata["error_code"] == 503
    assert "litellm/" in first.metadata["traceback"]
    assert [r.metadata["retry_index"] for r in (first, second, answer)] == [0, 1, 0]
    assert [r.metadata["fallback_index"] for r in (first, second, answer)] == [0, 0, 1]
    assert event.status_message == "primary -> backup (overloaded)"
    assert event.start_ms == answer.start_ms
    assert root.metadata["route"] == "primary/dep-primary x2 > backup/dep-backup"
    assert root.metadata["failovers"] == 1
    delay_ms = event.metadata["failover_latency_ms"]
    assert delay_ms == pytest.approx(answer.start_ms - first.start_ms, abs=2)


def test_a_chain_of_three(gateway, timed):
    """The failover events stand in order."""
    extra = f"{USAGE} [fault:gpt-4o=500] [fault:mistral-large-latest=429]"
    records, seen = timed(lambda case: chat(gateway, "chain", case, extra), calls=5, size=8)

    assert [r.type for r in records] == [
        *("SPAN", "GENERATION", "GENERATION", "EVENT"),
        *("GENERATION", "GENERATION", "EVENT", "GENERATION"),
    ]
    events = [r.status_message for r in records if r.type == "EVENT"]
    assert events == ["chain -> backup (server_error)", "backup -> claude (rate_limit)"]
    assert_sound(records, cost_usd=cost_of(seen.calls[-1], "claude-sonnet-4-5"))


def test_a_streamed_failover(gateway, timed):
    def act(case):
        extra = f"{USAGE} [stream:5,0.02] [fault:gpt-4o=500]"
        assert "[DONE]" in chat(gateway, "primary", case, extra, stream=True).text

    records, seen = timed(act, calls=3, size=5)

    assert records[3].name == "provider.failover"
    assert_sound(records, cost_usd=cost_of(seen.calls[2], MISTRAL))


def test_a_retry(gateway, timed):
    extra = f"{USAGE} [fault:*=429*1]"
    records, seen = timed(lambda case: chat(gateway, "chat", case, extra), calls=2, size=3)

    assert [r.level for r in records] == ["WARNING", "ERROR", "DEFAULT"]
    assert_sound(records, cost_usd=cost_of(seen.calls[1], "gpt-4o-mini"))
    assert records[0].metadata["retries"] == 1
    assert records[0].metadata["backoff_ms"] > 0


def test_all_fail(gateway, timed):
    records, _ = timed(
        lambda case: chat(gateway, "primary", case, "[fault:*=500]"), calls=4, size=6
    )

    assert {r.level for r in records} == {"ERROR", "WARNING"}
    assert records[0].level == "ERROR"
    assert_sound(records, cost_usd=0)
    assert [r.type for r in records].count("EVENT") == 1


@pytest.mark.parametrize("fault", ["500", "503", "429", "401", "404", "400"])
def test_a_provider_that_fails(gateway, timed, fault):
    records, seen = timed(lambda case: chat(gateway, "chat", case, f"[fault:*={fault}]"))

    assert len(records) == 1 + len(seen.calls)
    assert {r.level for r in records} == {"ERROR"}
    assert {r.metadata["error_code"] for r in records} == {int(fault)}
    assert_sound(records, cost_usd=0)


def test_a_provider_that_is_too_slow(gateway, timed):
    records, _ = timed(
        lambda case: chat(gateway, "impatient", case, "[fault:*=slow:3]"),
        calls=2,
        size=3,
        has_end=False,
    )

    assert_sound(records, cost_usd=0)
    for attempt in records[1:]:
        assert attempt.end_ms - attempt.start_ms == pytest.approx(500, abs=150)
        assert attempt.metadata["error_type"] == "timeout"


def test_a_provider_that_refuses_the_connection(gateway, traced):
    records, _ = traced(lambda case: chat(gateway, "closed", case), calls=0, size=3)

    assert_sound(records, cost_usd=0)
    assert [r.metadata["error_type"] for r in records] == ["connection"] * 3


def test_a_stream_that_breaks(gateway, timed):
    def act(case):
        extra = f"{USAGE} [stream:10,0.02] [fault:*=drop]"
        chat(gateway, "chat", case, extra, stream=True)

    records, seen = timed(act)

    assert len(records) == 1 + len(seen.calls)
    assert {r.level for r in records} == {"ERROR"}
    assert_sound(records, cost_usd=seen.page.total("cost_usd_total"))  # of what had come
    assert records[-1].metadata["cost_status"] == "estimated"


def test_a_caller_who_hangs_up(gateway, timed):
    def act(case):
        body = {"model": "chat", "stream": True, "messages": prompt(case, "[stream:200,0.05]")}
        with gateway.client.stream("POST", "/v1/chat/completions", json=body) as answer:
            next(answer.iter_lines())

    records, seen = timed(act, size=2)

    assert [r.level for r in records] == ["WARNING", "WARNING"]
    cost = seen.page.total("cost_usd_total")
    assert_sound(records, cost_usd=cost)
    assert records[1].metadata["cost_status"] == "estimated"


def test_a_cached_answer(gateway, traced):
    """No attempt, no cost: nobody was paid."""
    cache = {"use-cache": True}
    traced(lambda case: chat(gateway, "chat", "langfuse-cache", cache=cache), calls=0)
    records, _ = traced(
        lambda case: chat(gateway, "chat", "langfuse-cache", cache=cache), calls=0, size=1
    )

    assert shape(records) == [("SPAN", ROOT, "DEFAULT")]
    assert_sound(records, cost_usd=0)
    assert records[0].metadata["cache_hit"] is True
    assert records[0].metadata["cache_saved_usd"] > 0


def test_a_refused_request(gateway, traced):
    records, _ = traced(lambda case: chat(gateway, "no-such-model", case), calls=0, size=1)

    assert shape(records) == [("SPAN", ROOT, "ERROR")]
    assert records[0].metadata["outcome"] == "rejected"
    assert_sound(records, cost_usd=0)


def test_a_circuit_that_opens(gateway, traced):
    """It stands in the trace of the request that opened it, and in no other."""
    opened, _ = traced(lambda case: chat(gateway, "resting", case, "[fault:gpt-4o=401]"), calls=2)
    skipped, _ = traced(lambda case: chat(gateway, "resting", case))

    (event,) = [r for r in opened if r.name == "circuit.open"]
    assert event.metadata["deployment_id"] == "dep-resting"
    assert event.metadata["reason"] == "auth"
    failed = next(r for r in opened if r.type == "GENERATION")
    assert failed.start_ms <= event.start_ms <= failed.end_ms + 500
    assert [r.name for r in skipped if r.type == "EVENT"] == ["provider.failover"]


def test_embeddings(gateway, timed):
    def act(case):
        body = {"model": "embed", "input": f"[case:{case}] [tokens:400]"}
        assert gateway.client.post("/v1/embeddings", json=body).status_code == 200

    records, seen = timed(act, size=2)

    assert_sound(records, cost_usd=cost_of(seen.calls[0], "text-embedding-3-small"))
    assert records[0].metadata["operation"] == "embeddings"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", ["responses", "messages"])
def test_other_routes(gateway, timed, route, stream):
    def act(case):
        body = {"model": "chat", "stream": stream, "max_tokens": 100}
        if route == "responses":
            body |= {"input": prompt(case)[0]["content"], "max_tokens": None}
        else:
            body |= {"messages": prompt(case)}
        body = {k: v for k, v in body.items() if v is not None}
        assert gateway.client.post(f"/v1/{route}", json=body).status_code == 200

    records, seen = timed(act, size=2)

    assert_sound(records, cost_usd=cost_of(seen.calls[0], "gpt-4o-mini"))
    assert records[0].metadata["operation"] == route


def test_a_model_without_a_price_costs_nothing(gateway, timed):
    """Langfuse must not make up what LiteLLM does not know."""
    records, _ = timed(lambda case: chat(gateway, "unpriced", case), size=2)

    assert_sound(records, cost_usd=0)
    assert records[1].metadata["cost_status"] == "unpriced"


def test_text_completion(gateway, timed):
    def act(case):
        body = {"model": "chat", "prompt": prompt(case)[0]["content"]}
        assert gateway.client.post("/v1/completions", json=body).status_code == 200

    records, seen = timed(act, size=2)

    assert [r.type for r in records] == ["SPAN", "GENERATION"]
    assert_sound(records, cost_usd=cost_of(seen.calls[0], "gpt-4o-mini"))
    assert records[0].metadata["operation"] == "text_completion"


def test_cache_writes(gateway, timed):
    extra = "[tokens:1000,200,300,0,250]"
    records, seen = timed(lambda case: chat(gateway, "claude", case, extra), size=2)

    assert_sound(records, cost_usd=cost_of(seen.calls[0], "claude-sonnet-4-5"))
    assert records[1].usage["input_cache_creation"] == 250
    assert records[1].usage["input_cached_tokens"] == 300


def test_a_deployment_with_its_own_price(gateway, timed):
    records, seen = timed(lambda case: chat(gateway, "own-price", case), size=2)

    assert_sound(records, cost_usd=math.fsum(components(seen.calls[0], OWN_PRICE).values()))


def test_a_free_deployment(gateway, timed):
    records, _ = timed(lambda case: chat(gateway, "free", case), size=2)

    assert_sound(records, cost_usd=0)
    assert records[1].metadata["cost_status"] == "priced"


def test_a_caller_who_hangs_up_before_the_answer(gateway, timed):
    """LiteLLM goes on, and the answer costs what it costs."""

    def act(case):
        body = {"model": "chat", "messages": prompt(case, f"{USAGE} [latency:1.5]")}
        with pytest.raises(httpx.ReadTimeout):
            gateway.client.post("/v1/chat/completions", json=body, timeout=0.5)

    records, seen = timed(act, size=2)

    assert shape(records) == [("SPAN", ROOT, "DEFAULT"), OK]
    assert_sound(records, cost_usd=cost_of(seen.calls[0], "gpt-4o-mini"))


def test_a_stream_that_breaks_before_its_first_word(gateway, timed):
    """The fallback answers in the same response; no hook of LiteLLM's tells of it."""

    def act(case):
        extra = f"{USAGE} [stream:5,0.02] [fault:gpt-4o=hangup]"
        assert "[DONE]" in chat(gateway, "primary", case, extra, stream=True).text

    records, seen = timed(act, calls=2, size=4)

    assert [r.type for r in records] == ["SPAN", "GENERATION", "EVENT", "GENERATION"]
    assert [r.level for r in records] == ["WARNING", "ERROR", "WARNING", "DEFAULT"]
    assert_sound(records, cost_usd=cost_of(seen.calls[1], MISTRAL))


def test_all_deployments_rest(gateway, traced):
    traced(lambda case: chat(gateway, "fragile", case, "[fault:*=401]"))
    records, _ = traced(lambda case: chat(gateway, "fragile", case), calls=0, size=1)

    assert shape(records) == [("SPAN", ROOT, "ERROR")]
    assert records[0].metadata["error_source"] == "gateway"
    assert_sound(records, cost_usd=0)


def test_pass_through(gateway, traced):
    """LiteLLM tells neither usage nor cost of it: none is made up."""

    def act(case):
        body = {"model": "gpt-4o-mini", "messages": prompt(case)}
        assert gateway.client.post("/through", json=body).status_code == 200

    records, _ = traced(act)

    assert records[0].metadata["operation"] == "passthrough"
    assert_sound(records, cost_usd=0)


REFUSED = {
    "without a key": {"headers": {"authorization": ""}, "json": {"model": "chat"}},
    "with a wrong key": {
        "headers": {"authorization": "Bearer sk-wrong"},
        "json": {"model": "chat"},
    },
    "with no JSON": {"content": b"{not json"},
    "without messages": {"json": {"model": "chat"}},
}


@pytest.mark.parametrize("how", REFUSED)
def test_other_refused_requests(gateway, traced, how):
    def act(_case):
        answer = gateway.client.post("/v1/chat/completions", **REFUSED[how])
        assert answer.status_code >= 400

    records, _ = traced(act, calls=0, size=1)

    assert shape(records) == [("SPAN", ROOT, "ERROR")]
    assert records[0].metadata["outcome"] == "rejected"
    assert_sound(records, cost_usd=0)


def test_who_asked(gateway, timed):
    metadata = {"session_id": "s-1", "tags": ["blue"], "trace_name": "litellm.request"}
    records, _ = timed(
        lambda case: chat(gateway, "chat", case, user="eve", temperature=0.25, metadata=metadata),
        size=2,
    )

    for record in records:
        assert (record.user_id, record.session_id, record.tags) == ("eve", "s-1", ("blue",))
    assert records[1].parameters["temperature"] == "0.25"


def test_ids_link_both_ways(gateway, peer, traced, wait_for):
    """The header, the ledger, the answer of /api/llm and the trace say the same."""
    answers = []
    records, _ = traced(lambda case: answers.append(chat(gateway, "chat", case)))

    (answer,) = answers
    trace_id = records[0].trace_id
    assert answer.headers["x-gateway-trace-id"] == trace_id
    assert answer.headers["x-litellm-call-id"].replace("-", "") == trace_id
    assert records[0].metadata["request_id"] == answer.headers["x-litellm-call-id"]
    rows = gateway.client.get("/api/gateway/requests").json()
    row = next(r for r in rows if r["traceId"] == trace_id)
    assert row["traceUrl"] == f"{peer.url}/project/project-pk-test/traces/{trace_id}"
    assert peer.project_reads == 1
    openmetrics = {"accept": "application/openmetrics-text; version=1.0.0"}
    page = gateway.client.get("/metrics", headers=openmetrics).text
    assert f'trace_id="{trace_id}"' in page  # an exemplar
    body = {"model": "chat", "messages": prompt("api-llm")}
    told = gateway.client.post("/api/llm", json=body).json()["gateway"]
    assert told["traceUrl"] == f"{peer.url}/project/project-pk-test/traces/{told['traceId']}"
    assert wait_for(lambda: peer.trace(told["traceId"]))


CALLER_IDS = {
    "traceparent": ("00-" + "1a" * 16 + "-" + "2b" * 8 + "-01", "1a" * 16),
    "x-litellm-trace-id": ("3c" * 16, "3c" * 16),
}


@pytest.mark.parametrize("header", CALLER_IDS)
def test_a_caller_who_brings_a_trace_id(gateway, traced, header):
    given, expected = CALLER_IDS[header]

    records, _ = traced(lambda case: chat(gateway, "chat", case, headers={header: given}))

    assert records[0].trace_id == expected


def test_metadata_that_is_none(gateway, traced):
    """Wrong types are left out, long ones cut; the request and its trace are whole."""
    odd = {
        "session_id": {"a": 1},
        "tags": [1, None, {"a": [2]}, "ok", "x" * 10_000],
        "trace_name": 5,
        "trace_user_id": ["eve"],
        "existing_trace_id": {},
        "deep": {"a": {"b": {"c": ["d"] * 100}}},
    }
    answers = []

    records, seen = traced(
        lambda case: answers.append(chat(gateway, "chat", case, metadata=odd)), size=2
    )

    assert answers[0].status_code == 200
    assert_sound(records, cost_usd=cost_of(seen.calls[0], "gpt-4o-mini"))
    assert records[0].tags == ("ok", "x" * 200)
    assert records[0].session_id is None


def test_a_session_is_not_a_trace(gateway, peer, traced):
    headers = {"x-litellm-session-id": "my-session"}

    first, _ = traced(lambda case: chat(gateway, "chat", case, headers=headers), size=2)
    second, _ = traced(lambda case: chat(gateway, "chat", case, headers=headers), size=2)

    assert first[0].trace_id != second[0].trace_id
    assert first[0].session_id == second[0].session_id == "my-session"


def test_all_books_say_the_same(gateway, traced):
    """What Langfuse has stored of everything above is what we counted, per model and day."""
    traced(lambda case: chat(gateway, "chat", case))

    found = gateway.client.get("/api/gateway/reconciliation", params={"window": "1d"}).json()

    total = found["total"]
    assert total["gatewayUsd"] > 0
    assert total["langfuseUsd"] == pytest.approx(total["gatewayUsd"], abs=1e-12)
    assert total["langfuseDeltaRatio"] == pytest.approx(0, abs=1e-9)
    assert total["gatewayUsd"] == pytest.approx(gateway.scrape().total("cost_usd_total"), abs=1e-12)
    models = {row["model"] for row in found["rows"]}
    assert {"gpt-4o-mini", "mistral-large-latest", "claude-sonnet-4-5"} <= models
    for row in found["rows"]:
        assert row["langfuseDeltaUsd"] == pytest.approx(0, abs=1e-12)
        assert row["spendLogUsd"] is None
    assert found["sources"] == {
        "spendLog": {
            "available": False,
            "message": "LiteLLM has no database, so it keeps no spend log",
        },
        "langfuse": {"available": True, "message": ""},
    }
    bad = gateway.client.get("/api/gateway/reconciliation", params={"window": "90d"})
    assert bad.status_code == 422
    assert "at most 31d" in bad.text


@pytest.mark.parametrize("fault", ["", "[fault:*=500]"])
def test_a_caller_who_wants_no_log(gateway, peer, traced, fault):
    """Nothing of it leaves, whether it is answered or fails; traces leave in their order."""
    answer = chat(gateway, "chat", "unlogged", f"{USAGE} {fault}", **{"no-log": True})
    trace_id = answer.headers["x-gateway-trace-id"]
    traced(lambda case: chat(gateway, "chat", case))

    assert trace_id not in peer.trace_ids()


def test_headers_of_the_wire(gateway, peer, traced):
    traced(lambda case: chat(gateway, "chat", case))

    headers = peer.headers[-1]
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["content-encoding"] == "gzip"
    assert headers["x-langfuse-ingestion-version"] == "4"


def test_the_page_counts_them(gateway, peer, traced, wait_for):
    before = gateway.scrape()
    traced(lambda case: chat(gateway, "chat", case), size=2)

    def sent() -> float:
        return gateway.scrape().since(before).total("langfuse_observations_total", result="sent")

    wait_for(lambda: sent() == 2)
    page = gateway.scrape()
    assert page.total("langfuse_queue_items") == 0
    assert page.total("langfuse_queue_bytes") == 0
    assert page.total("langfuse_last_success_timestamp_seconds") > 1.7e9


def test_attempts_have_their_true_times():
    """Each start and each end of every scenario above, as the provider saw them.

    A busy machine delays one or the other: then the scenario is repeated, and each must be right
    at least once. What is wrong by nature is wrong each time.
    """
    assert len(TIMED) > 25
    every = [abs(off) for timed in TIMED for off in timed.off_s]
    assert statistics.median(every) < TOLERANCE_S / 2
    for timed in TIMED:
        best = [abs(off) for off in timed.off_s]
        for _ in range(AGAIN):
            if max(best) <= TOLERANCE_S:
                break
            best = list(map(min, best, map(abs, timed.repeat())))
        assert max(best) <= TOLERANCE_S, (timed.scenario, timed.off_s, best)
