"""What the wire formats have in common: a request read, frames to send, an error to tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litellm_obs_plugin.demo.faults import FaultKind
from litellm_obs_plugin.demo.usage import Usage

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request, whatever its format. `prompt` is the last user message, `id` names the answer."""

    provider: str
    model: str
    prompt: str
    stream: bool
    include_usage: bool
    id: str
    created_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """A stream as bytes: before the first content, one frame per content chunk, the end."""

    opening: tuple[bytes, ...]
    content: tuple[bytes, ...]
    closing: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """What a provider answers when it fails."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One wire format: pure functions from a request to what goes over the wire."""

    prompt: Callable[[Body], str]
    answer: Callable[[Ask, Usage, Sequence[str]], Mapping[str, Any]]
    stream: Callable[[Ask, Usage, Sequence[str]], Frames] | None
    error: Callable[[FaultKind, str], ErrorReply]
    reported: Callable[[Usage], Usage]


def as_is(usage: Usage) -> Usage:
    """All of *usage* reaches the caller, except cache writes: OpenAI's format has none."""
    return Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def data_frame(value: object) -> bytes:
    """A server-sent event without a name."""
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def event_frame(value: Mapping[str, Any]) -> bytes:
    """A server-sent event that bears the `type` of *value* as its name."""
    return f"event: {value['type']}\n".encode() + data_frame(value)


def last_user_text(messages: object) -> str:
    """The text of the last user message in a list of messages, "" when there is none."""
    if not isinstance(messages, list):
        return ""
    for message in reversed(messages):
        if isinstance(message, Mapping) and message.get("role") == "user":
            return text_of(message.get("content"))
    return ""


def text_of(content: object) -> str:
    """The text in *content*: a string, a list of strings or a list of text parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return text_of(content.get("text"))
    if isinstance(content, list):
        return " ".join(filter(None, map(text_of, content)))
    return ""
