"""OpenAI's responses format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litellm_obs_plugin.demo.openai_wire import openai_error
from litellm_obs_plugin.demo.usage import Usage
from litellm_obs_plugin.demo.wire import (
    Ask,
    Body,
    Frames,
    Wire,
    as_is,
    event_frame,
    last_user_text,
)


def _prompt(body: Body) -> str:
    given = body.get("input")
    return given if isinstance(given, str) else last_user_text(given)


def _message(ask: Ask, text: str, *, status: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": f"msg_{ask.id}",
        "status": status,
        "role": "assistant",
        "content": [_part(text)] if status == "completed" else [],
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _usage_block(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def _response(ask: Ask, output: Sequence[object], **more: object) -> dict[str, Any]:
    return {
        "id": f"resp_{ask.id}",
        "object": "response",
        "created_at": ask.created_s,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": ask.model,
        "output": list(output),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
        **more,
    }


def _answer(ask: Ask, usage: Usage, words: Sequence[str]) -> Mapping[str, Any]:
    output = [_message(ask, "".join(words), status="completed")]
    return _response(ask, output, status="completed", usage=_usage_block(usage))


def _stream(ask: Ask, usage: Usage, words: Sequence[str]) -> Frames:
    text = "".join(words)
    started = _response(ask, [], status="in_progress")
    item = {"output_index": 0, "item_id": f"msg_{ask.id}", "content_index": 0}
    done = _message(ask, text, status="completed")
    opening: list[dict[str, Any]] = [
        {"type": "response.created", "response": started},
        {"type": "response.in_progress", "response": started},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": _message(ask, "", status="in_progress"),
        },
        {"type": "response.content_part.added", **item, "part": _part("")},
    ]
    content = [{"type": "response.output_text.delta", **item, "delta": word} for word in words]
    closing: list[dict[str, Any]] = [
        {"type": "response.output_text.done", **item, "text": text},
        {"type": "response.content_part.done", **item, "part": _part(text)},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": dict(_answer(ask, usage, words))},
    ]
    events = iter(range(len(opening) + len(content) + len(closing)))

    def frames(part: Sequence[Mapping[str, Any]]) -> tuple[bytes, ...]:
        return tuple(event_frame({**event, "sequence_number": next(events)}) for event in part)

    return Frames(opening=frames(opening), content=frames(content), closing=frames(closing))


RESPONSES = Wire(
    prompt=_prompt,
    answer=_answer,
    stream=_stream,
    error=openai_error,
    reported=as_is,
)
