"""The wire formats over a real connection, and the ledger that goes with them."""

import json

import httpx
import pytest

TOKENS = "[tokens:100,20,40,5,10] [latency:0.02] [stream:3,0.01]"


def messages(text: str) -> list[dict]:
    return [{"role": "system", "content": "x"}, {"role": "user", "content": text}]


def chat(simulator, text, *, provider="openai", model="gpt-4o", **more):
    body = {"model": model, "messages": messages(text), **more}
    return simulator.post(f"/{provider}/v1/chat/completions", json=body)


def events(answer) -> list[dict]:
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_chat(simulator, calls):
    answer = chat(simulator, f"[case:chat] {TOKENS}").json()

    assert 100 == answer["usage"]["prompt_tokens"]
    assert 40 == answer["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert 5 == answer["usage"]["completion_tokens_details"]["reasoning_tokens"]
    (call,) = calls("chat")
    assert (100, 20, 40, 0, 5) == tuple(
        call[f"{name}_tokens"] for name in ("input", "output", "cached", "cache_write", "reasoning")
    )
    assert (200, "/v1/chat/completions", None) == (call["status"], call["path"], call["ttft_s"])
    assert 0.02 <= call["latency_s"] < 1


def test_chat_stream(simulator, calls):
    options = {"include_usage": True}
    text = f"[case:stream] {TOKENS}"

    answer = chat(simulator, text, stream=True, stream_options=options)

    chunks = events(answer)
    assert answer.text.endswith("data: [DONE]\n\n")
    assert 3 == sum(bool(c["choices"] and c["choices"][0]["delta"].get("content")) for c in chunks)
    assert ([], 120) == (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"])
    (call,) = calls("stream")
    assert 0.02 <= call["ttft_s"] <= call["latency_s"] - 0.015


def test_chat_stream_tells_usage_only_when_asked(simulator):
    chunks = events(chat(simulator, TOKENS, stream=True))

    assert not any("usage" in chunk for chunk in chunks)


def test_mistral_tells_usage_unasked(simulator):
    last = events(chat(simulator, TOKENS, provider="mistral", stream=True))[-1]

    assert ("stop", 120) == (last["choices"][0]["finish_reason"], last["usage"]["total_tokens"])


def test_groq_has_a_service_tier(simulator):
    assert "on_demand" == chat(simulator, TOKENS, provider="groq").json()["service_tier"]


def test_parts_of_a_message_are_read(simulator, calls):
    parts = [{"type": "text", "text": "[case:parts]"}, {"type": "text", "text": TOKENS}]
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}

    simulator.post("/openai/v1/chat/completions", json=body)

    assert 100 == calls("parts")[0]["input_tokens"]


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_messages(simulator, calls, stream):
    text = f"[case:messages-{stream}] {TOKENS}"
    body = {"model": "claude", "max_tokens": 9, "messages": messages(text), "stream": stream}

    answer = simulator.post("/anthropic/v1/messages", json=body, headers={"x-api-key": "k"})

    found = events(answer)[-2]["usage"] if stream else answer.json()["usage"]
    assert {
        "input_tokens": 50,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 10,
        "output_tokens": 20,
    } == found
    (call,) = calls(f"messages-{stream}")
    assert (100, 10, True) == (
        call["input_tokens"],
        call["cache_write_tokens"],
        call["authorization_seen"],
    )


@pytest.mark.parametrize("stream", [False, True])
def test_responses(simulator, calls, stream):
    text = f"[case:responses-{stream}] {TOKENS}"
    body = {"model": "gpt-4o", "input": text, "stream": stream}

    answer = simulator.post("/openai/v1/responses", json=body)

    whole = events(answer)[-1]["response"] if stream else answer.json()
    assert ("completed", 100, 20) == (
        whole["status"],
        whole["usage"]["input_tokens"],
        whole["usage"]["output_tokens"],
    )
    if stream:
        assert list(range(11)) == [event["sequence_number"] for event in events(answer)]
    assert stream is calls(f"responses-{stream}")[0]["stream"]


def test_embeddings(simulator, calls):
    body = {"model": "e", "input": ["[case:embed]", TOKENS]}

    answer = simulator.post("/openai/v1/embeddings", json=body).json()

    assert 100 == answer["usage"]["total_tokens"]
    assert (100, 0) == (calls("embed")[0]["input_tokens"], calls("embed")[0]["output_tokens"])


def test_legacy_completions(simulator):
    body = {"model": "m", "prompt": TOKENS}

    answer = simulator.post("/openai/v1/completions", json=body).json()

    assert ("text_completion", 120) == (answer["object"], answer["usage"]["total_tokens"])


def test_models(simulator):
    assert "gpt-4o" in [m["id"] for m in simulator.get("/openai/v1/models").json()["data"]]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("500", 500), ("503", 503), ("429", 429), ("401", 401), ("400", 400), ("404", 404)],
)
def test_errors(simulator, calls, kind, status):
    answer = chat(simulator, f"[case:e{kind}] [fault:gpt-4o={kind}]")

    assert status == answer.status_code
    (call,) = calls(f"e{kind}")
    assert (status, kind, 0) == (call["status"], call["fault"], call["input_tokens"])


def test_a_rate_limit_says_when_to_come_back(simulator):
    assert "2" == chat(simulator, "[fault:*=429]").headers["retry-after"]


def test_context_length_has_openais_code(simulator):
    error = chat(simulator, "[fault:*=context_length]").json()["error"]

    assert "context_length_exceeded" == error["code"]


def test_anthropic_errors_have_their_own_shape(simulator):
    body = {"model": "claude", "messages": messages("[fault:claude=503]")}

    answer = simulator.post("/anthropic/v1/messages", json=body)

    assert (503, "overloaded_error") == (answer.status_code, answer.json()["error"]["type"])


def test_only_the_first_calls_of_a_case_fail(simulator):
    text = "[case:twice] [fault:gpt-4o=500*2] [latency:0.01]"

    assert [500, 500, 200, 200] == [chat(simulator, text).status_code for _ in range(4)]


def test_a_fault_at_one_provider_leaves_the_others(simulator):
    text = "[fault:openai/gpt-4o=500] [latency:0.01]"

    assert 500 == chat(simulator, text).status_code
    assert 200 == chat(simulator, text, provider="openai-eu").status_code


def test_a_dropped_stream_has_no_end(simulator, calls):
    text = f"[case:drop] [fault:*=drop] {TOKENS}"

    with pytest.raises(httpx.RemoteProtocolError):
        chat(simulator, text, stream=True)

    (call,) = calls("drop")
    assert (200, "drop", False) == (call["status"], call["fault"], call["aborted"])
    assert 0 < call["output_tokens"] < 20


def test_a_dropped_call_has_no_answer(simulator, calls):
    with pytest.raises(httpx.RemoteProtocolError):
        chat(simulator, f"[case:drop-whole] [fault:*=drop] {TOKENS}")

    assert 0 == calls("drop-whole")[0]["status"]


def test_a_client_that_gives_up_is_noted(simulator, calls):
    body = {"model": "m", "messages": messages("[case:gone] [fault:m=timeout]")}

    with pytest.raises(httpx.ReadTimeout):
        simulator.post("/openai/v1/chat/completions", json=body, timeout=0.1)

    (call,) = calls("gone")
    assert (0, "timeout", True) == (call["status"], call["fault"], call["aborted"])


def test_a_client_that_leaves_mid_stream_is_noted(simulator, calls):
    text = "[case:left] [tokens:10,100] [latency:0] [stream:100,0.05]"
    body = {"model": "m", "messages": messages(text), "stream": True}

    with simulator.stream("POST", "/openai/v1/chat/completions", json=body) as answer:
        next(answer.iter_lines())

    (call,) = calls("left")
    assert call["aborted"]
    assert 0 < call["output_tokens"] < 100


def test_slow_comes_on_top(simulator, calls):
    chat(simulator, "[case:slow] [latency:0.05] [fault:*=slow:0.1]")

    assert calls("slow")[0]["latency_s"] >= 0.15


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": 3}', b"\xff"])
def test_a_body_that_is_no_request_gets_400(simulator, body):
    answer = simulator.post("/openai/v1/chat/completions", content=body)

    assert 400 == answer.status_code


def test_unknown_providers_and_paths_get_404(simulator):
    assert 404 == simulator.post("/nobody/v1/embeddings", json={}).status_code
    assert 404 == simulator.post("/openai/v1/files", json={}).status_code


def test_totals(simulator):
    chat(simulator, "[latency:0] [tokens:10,5]")
    chat(simulator, "[fault:*=500]")

    totals = simulator.get("/_sim/totals").json()

    assert (2, 10) == (totals["calls"], totals["tokens"]["input_tokens"])
    assert [200, 500] == [row["status"] for row in totals["by"]]
