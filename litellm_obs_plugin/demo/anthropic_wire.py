"""Anthropic's messages format. Its `input_tokens` leave out what was read from or put in cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from litellm_obs_plugin.demo.faults import FaultKind
from litellm_obs_plugin.demo.usage import Usage
from litellm_obs_plugin.demo.wire import (
    Ask,
    Body,
    ErrorReply,
    Frames,
    Wire,
    event_frame,
    last_user_text,
)

_ERRORS: dict[FaultKind, tuple[int, str, str]] = {
    FaultKind.SERVER_ERROR: (500, "api_error", "Internal server error"),
    FaultKind.UNAVAILABLE: (503, "overloaded_error", "Overloaded"),
    FaultKind.RATE_LIMIT: (429, "rate_limit_error", "This request would exceed your rate limit."),
    FaultKind.AUTH: (401, "authentication_error", "invalid x-api-key"),
    FaultKind.BAD_REQUEST: (400, "invalid_request_error", "messages: invalid value"),
    FaultKind.NOT_FOUND: (404, "not_found_error", "model not found"),
    FaultKind.CONTEXT_LENGTH: (
        400,
        "invalid_request_error",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ),
    FaultKind.CONTENT_POLICY: (
        400,
        "invalid_request_error",
        "Output blocked by content filtering policy",
    ),
}


def _error(kind: FaultKind, model: str) -> ErrorReply:
    status, type_, message = _ERRORS[kind]
    error = {"type": type_, "message": f"{message} ({model})"}
    headers = {"retry-after": "2"} if kind is FaultKind.RATE_LIMIT else {}
    return ErrorReply(status=status, body={"type": "error", "error": error}, headers=headers)


def _prompt(body: Body) -> str:
    return last_user_text(body.get("messages"))


def _usage_block(usage: Usage) -> dict[str, int]:
    fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }


def _message(ask: Ask, **more: object) -> dict[str, Any]:
    return {
        "id": f"msg_{ask.id}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        **more,
    }


def _answer(ask: Ask, usage: Usage, words: Sequence[str]) -> Mapping[str, Any]:
    return _message(
        ask,
        content=[{"type": "text", "text": "".join(words)}],
        stop_reason="end_turn",
        stop_sequence=None,
        usage=_usage_block(usage),
    )


def _stream(ask: Ask, usage: Usage, words: Sequence[str]) -> Frames:
    start = _message(
        ask,
        content=[],
        stop_reason=None,
        stop_sequence=None,
        usage=_usage_block(replace(usage, output_tokens=1)),
    )
    opening: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
    ]
    content = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in words
    ]
    closing: list[dict[str, Any]] = [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": _usage_block(usage),
        },
        {"type": "message_stop"},
    ]
    return Frames(
        opening=tuple(map(event_frame, opening)),
        content=tuple(map(event_frame, content)),
        closing=tuple(map(event_frame, closing)),
    )


def _reported(usage: Usage) -> Usage:
    # Anthropic counts thinking in the output and does not show it apart.
    return replace(usage, reasoning_tokens=0)


MESSAGES = Wire(
    prompt=_prompt,
    answer=_answer,
    stream=_stream,
    error=_error,
    reported=_reported,
)
