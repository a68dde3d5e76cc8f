"""Shots: the requests of the synthetic traffic, drawn at random but the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

_T = TypeVar("_T")

_PROMPTS = (
    "Summarise this ticket in one sentence.",
    "Translate the release notes into French.",
    "Which of these invoices is overdue?",
    "Write a friendly reply to the customer.",
    "Explain the stack trace below.",
    "Classify the sentiment of this review.",
)
_USERS = tuple(f"user-{i:02d}" for i in range(12))
_TAGS = ("team:search", "team:support", "team:billing", "env:prod", "env:staging")
_MODELS = {
    "gpt-4o-mini": 38,
    "gpt-4o": 16,
    "claude-sonnet": 16,
    "mistral-large": 12,
    "gpt-oss-fast": 10,
    "llama-fast": 8,
}


class Kind(StrEnum):
    CHAT = "/v1/chat/completions"
    EMBEDDINGS = "/v1/embeddings"
    RESPONSES = "/v1/responses"
    MESSAGES = "/v1/messages"


_KINDS = {Kind.CHAT: 72, Kind.EMBEDDINGS: 10, Kind.RESPONSES: 8, Kind.MESSAGES: 10}
_RESPONSES_MODELS = ("gpt-4o-mini", "gpt-4o")
_UNKNOWN_MODEL_SHARE = 0.01
_BAD_KEY_SHARE = 0.01
_STREAM_SHARE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One request to come, *pause_s* after the one before."""

    pause_s: float
    path: str
    body: Mapping[str, Any]
    tags: tuple[str, ...]
    bad_key: bool

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True


def shots(rng: random.Random, rate: float) -> Iterator[Shot]:
    """Requests without end, on average *rate* a second, at random like real ones."""
    while True:
        kind = _pick(rng, _KINDS)
        body = _body(kind, rng)
        if rng.random() < _UNKNOWN_MODEL_SHARE:
            body = {**body, "model": "gpt-unknown"}
        yield Shot(
            pause_s=rng.expovariate(rate),
            path=kind.value,
            body=body,
            tags=tuple(rng.sample(_TAGS, k=rng.randint(0, 2))),
            bad_key=rng.random() < _BAD_KEY_SHARE,
        )


def _body(kind: Kind, rng: random.Random) -> dict[str, Any]:
    prompt, user, model = rng.choice(_PROMPTS), rng.choice(_USERS), _pick(rng, _MODELS)
    messages = [{"role": "user", "content": prompt}]
    stream = rng.random() < _STREAM_SHARE
    match kind:
        case Kind.CHAT:
            return {"model": model, "messages": messages, "user": user, "stream": stream}
        case Kind.EMBEDDINGS:
            return {"model": "embed-small", "input": prompt, "user": user}
        case Kind.RESPONSES:
            model = rng.choice(_RESPONSES_MODELS)
            return {"model": model, "input": prompt, "user": user, "stream": stream}
        case Kind.MESSAGES:
            return {
                "model": "claude-sonnet",
                "max_tokens": 512,
                "messages": messages,
                "metadata": {"user_id": user},
                "stream": stream,
            }


def _pick(rng: random.Random, weights: Mapping[_T, int]) -> _T:
    return rng.choices(list(weights), weights=list(weights.values()))[0]
