"""What form an answer takes, how long it may be kept, and whether the caller has it already."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request, Response

_MOST_KEPT = 16
_LONGEST_S = 60.0
_SHORTEST_S = 1.0
# A computation takes at most this share of a core, however many ask for it.
_COMPUTE_SHARE = 0.1


class Form(StrEnum):
    """How an answer is written."""

    JSON = "json"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        return "text/csv; charset=utf-8" if self is Form.CSV else "application/json"


def choose_form(asked: Form | None, accept: str | None) -> Form:
    """What the query says, else what is accepted; JSON when both are as welcome."""
    if asked is not None:
        return asked
    weights = dict(_weigh(one) for one in (accept or "").split(","))
    table = weights.get("text/csv", 0.0)
    document = max(weights.get(name, 0.0) for name in ("application/json", "application/*"))
    return Form.CSV if table > document else Form.JSON


def _weigh(part: str) -> tuple[str, float]:
    name, *parameters = (one.strip().lower() for one in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer, when it was made, and until when it may be given again."""

    body: bytes
    etag: str
    made: float
    until: float


class Shelf:
    """The last answers: for a moment, equal questions get the same one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: dict[Hashable, asyncio.Task[Kept]] = {}
        self._kept: dict[Hashable, Kept] = {}

    async def get(
        self, key: Hashable, make: Callable[[], Awaitable[bytes]], *, max_age_s: float, fresh: bool
    ) -> Kept:
        """What *make* answers, or has answered a moment ago unless it must be *fresh*.

        It is kept for a second, a dear one for ten times as long as it took, and never longer than
        *max_age_s*.
        """
        now, found = self._clock(), self._kept.get(key)
        if found is not None and not fresh and found.made <= now < found.until:
            return found
        running = self._running.get(key)
        if running is None:
            running = asyncio.create_task(self._make(key, make, max_age_s))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        # One caller that hangs up must not cancel the answer of the others.
        return await asyncio.shield(running)

    async def _make(
        self, key: Hashable, make: Callable[[], Awaitable[bytes]], max_age_s: float
    ) -> Kept:
        begun = self._clock()
        body = await make()
        ended = self._clock()
        hold_s = min(max(_SHORTEST_S, (ended - begun) / _COMPUTE_SHARE), max_age_s)
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        kept = Kept(body=body, etag=etag, made=ended, until=ended + hold_s)
        self._put(key, kept, ended)
        return kept

    def __len__(self) -> int:
        return len(self._kept)

    def _put(self, key: Hashable, kept: Kept, now: float) -> None:
        self._kept.pop(key, None)
        for old in [k for k, one in self._kept.items() if one.until <= now]:
            del self._kept[old]
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = kept


def max_age_s(step_s: int | None) -> float:
    """How old an answer may be: a step, at most a minute; a second without steps."""
    return min(float(step_s), _LONGEST_S) if step_s is not None else _SHORTEST_S


def wants_fresh(request: Request) -> bool:
    """Whether the caller refuses what was computed before."""
    asked = request.headers.get("cache-control", "").lower()
    return "no-cache" in asked or "no-store" in asked or "max-age=0" in asked


def respond(request: Request, kept: Kept, *, form: Form, age_s: float) -> Response:
    """The answer, or 304 without a body when the caller has it."""
    headers = {
        "etag": kept.etag,
        "cache-control": f"private, max-age={int(age_s)}",
        "vary": "accept, authorization, x-litellm-api-key",
    }
    if _has(request.headers.get("if-none-match"), kept.etag):
        return Response(status_code=304, headers=headers)
    return Response(kept.body, media_type=form.media_type, headers=headers)


def _has(known: str | None, etag: str) -> bool:
    tags = [one.strip().removeprefix("W/") for one in (known or "").split(",")]
    return "*" in tags or etag in tags
