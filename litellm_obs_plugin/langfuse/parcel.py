"""A request that waits to be sent, and what it weighs."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from litellm_obs_plugin.langfuse.tree import count_observations
from litellm_obs_plugin.record import Request

# What the values of a request and of its parts take in memory, texts apart; rather too much.
_REQUEST_BYTES = 1_800
_PART_BYTES = 1_200


@dataclass(frozen=True, slots=True)
class Parcel:
    """*size* is in bytes of memory, an estimate from above; *since* in monotonic seconds."""

    request: Request
    size: int
    since: float

    @property
    def observations(self) -> int:
        return count_observations(self.request)

    @property
    def has_texts(self) -> bool:
        """Whether prompts or answers are in it."""
        details = self.request.details
        return details is not None and (details.input is not None or details.output is not None)

    def without_texts(self) -> "Parcel":
        """The same without prompts and answers; it keeps its room."""
        details = self.request.details
        bare = replace(details, input=None, output=None) if details is not None else None
        return replace(self, request=replace(self.request, details=bare))


def wrap(request: Request) -> Parcel:
    """*request* as a parcel. On the request path: it stays a reference, nothing is built yet."""
    parts = len(request.attempts) + len(request.failovers)
    size = _REQUEST_BYTES + parts * _PART_BYTES + sum(map(len, _texts(request)))
    return Parcel(request, size, time.monotonic())


def _texts(request: Request) -> Iterator[str]:
    """The texts whose length callers and providers choose. JSON is ASCII: a byte a character."""
    yield request.call_id
    yield from request.caller.tags
    details = request.details
    if details is not None:
        yield from (value for value in details.parameters.values() if isinstance(value, str))
        yield details.input or ""
        yield details.output or ""
    for attempt in request.attempts:
        if attempt.failure is not None:
            yield attempt.failure.message
            yield attempt.failure.traceback
