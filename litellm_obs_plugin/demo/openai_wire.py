"""OpenAI's formats: chat completions, legacy completions, embeddings, the list of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litellm_obs_plugin.demo.faults import FaultKind
from litellm_obs_plugin.demo.usage import Usage
from litellm_obs_plugin.demo.wire import (
    Ask,
    Body,
    ErrorReply,
    Frames,
    Wire,
    as_is,
    data_frame,
    last_user_text,
    text_of,
)

_DONE = b"data: [DONE]\n\n"
_EMBEDDING_SIZE = 8

_ERRORS: dict[FaultKind, tuple[int, str, str | None, str]] = {
    FaultKind.SERVER_ERROR: (500, "server_error", None, "The server had an error."),
    FaultKind.UNAVAILABLE: (503, "server_error", None, "The engine is currently overloaded."),
    FaultKind.RATE_LIMIT: (429, "requests", "rate_limit_exceeded", "Rate limit reached."),
    FaultKind.AUTH: (401, "invalid_request_error", "invalid_api_key", "Incorrect API key."),
    FaultKind.BAD_REQUEST: (400, "invalid_request_error", None, "Invalid value for 'messages'."),
    FaultKind.NOT_FOUND: (
        404,
        "invalid_request_error",
        "model_not_found",
        "The model does not exist.",
    ),
    FaultKind.CONTEXT_LENGTH: (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. Please reduce the length.",
    ),
    FaultKind.CONTENT_POLICY: (
        400,
        "invalid_request_error",
        "content_policy_violation",
        "Your request was rejected as a result of our safety system.",
    ),
}


def openai_error(kind: FaultKind, model: str) -> ErrorReply:
    """The answer to a call to *model* that fails with *kind*."""
    status, type_, code, message = _ERRORS[kind]
    error = {"message": f"{message} ({model})", "type": type_, "param": None, "code": code}
    headers = {"retry-after": "2"} if kind is FaultKind.RATE_LIMIT else {}
    return ErrorReply(status=status, body={"error": error}, headers=headers)


def usage_block(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _head(ask: Ask, object_: str) -> dict[str, Any]:
    head: dict[str, Any] = {
        "id": ask.id,
        "object": object_,
        "created": ask.created_s,
        "model": ask.model,
    }
    if ask.provider == "groq":
        # LiteLLM's Groq adapter fails on an answer without it.
        head["service_tier"] = "on_demand"
    return head


def _chat_answer(ask: Ask, usage: Usage, words: Sequence[str]) -> Mapping[str, Any]:
    message = {"role": "assistant", "content": "".join(words)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        **_head(ask, "chat.completion"),
        "choices": [choice],
        "usage": usage_block(usage),
        "system_fingerprint": "fp_simulated",
    }


def _chat_stream(ask: Ask, usage: Usage, words: Sequence[str]) -> Frames:
    def chunk(delta: Mapping[str, Any], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data_frame({**_head(ask, "chat.completion.chunk"), "choices": [choice], **more})

    block = usage_block(usage)
    # Mistral and Groq report the usage with the last chunk, asked or not.
    extra: dict[str, object] = {}
    if ask.provider == "mistral":
        extra = {"usage": block}
    elif ask.provider == "groq":
        extra = {"x_groq": {"id": ask.id, "usage": block}}
    closing = [chunk({}, "stop", **extra)]
    if ask.include_usage and ask.provider != "mistral":
        head = _head(ask, "chat.completion.chunk")
        closing.append(data_frame({**head, "choices": [], "usage": block}))
    return Frames(
        opening=(chunk({"role": "assistant", "content": ""}),),
        content=tuple(chunk({"content": word}) for word in words),
        closing=(*closing, _DONE),
    )


def _text_answer(ask: Ask, usage: Usage, words: Sequence[str]) -> Mapping[str, Any]:
    choice = {"index": 0, "text": "".join(words), "logprobs": None, "finish_reason": "stop"}
    return {**_head(ask, "text_completion"), "choices": [choice], "usage": usage_block(usage)}


def _text_stream(ask: Ask, usage: Usage, words: Sequence[str]) -> Frames:
    def chunk(text: str, finish: str | None = None) -> bytes:
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        return data_frame({**_head(ask, "text_completion"), "choices": [choice]})

    closing = [chunk("", "stop")]
    if ask.include_usage:
        last = {**_head(ask, "text_completion"), "choices": [], "usage": usage_block(usage)}
        closing.append(data_frame(last))
    return Frames(opening=(), content=tuple(map(chunk, words)), closing=(*closing, _DONE))


def _embedding_answer(ask: Ask, usage: Usage, words: Sequence[str]) -> Mapping[str, Any]:
    del words
    vector = [round(((i * 37) % 100) / 100 - 0.5, 3) for i in range(_EMBEDDING_SIZE)]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "model": ask.model,
        "usage": {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens},
    }


def model_list(models: Sequence[str]) -> Mapping[str, Any]:
    """The answer to `GET /models`."""
    data = [{"id": m, "object": "model", "created": 0, "owned_by": "simulated"} for m in models]
    return {"object": "list", "data": data}


def _chat_prompt(body: Body) -> str:
    return last_user_text(body.get("messages"))


def _text_prompt(body: Body) -> str:
    return text_of(body.get("prompt"))


def _embedding_prompt(body: Body) -> str:
    return text_of(body.get("input"))


def _input_only(usage: Usage) -> Usage:
    return Usage(input_tokens=usage.input_tokens)


CHAT = Wire(
    prompt=_chat_prompt,
    answer=_chat_answer,
    stream=_chat_stream,
    error=openai_error,
    reported=as_is,
)
TEXT = Wire(
    prompt=_text_prompt,
    answer=_text_answer,
    stream=_text_stream,
    error=openai_error,
    reported=as_is,
)
EMBEDDINGS = Wire(
    prompt=_embedding_prompt,
    answer=_embedding_answer,
    stream=None,
    error=openai_error,
    reported=_input_only,
)
