"""Ids of traces and observations. They follow from the request: sending twice is harmless."""

import hashlib
from enum import IntEnum

from litellm_obs_plugin.record import Request

_RANGE = 2**64


class Part(IntEnum):
    """What of a request is an observation."""

    REQUEST = 0
    ATTEMPT = 1
    FAILOVER = 2
    CIRCUIT = 3


def trace_id_of(request: Request) -> str:
    """The 32 hexadecimal digits under which *request* is traced everywhere."""
    known = request.trace_id
    if known is not None and len(known) == 32:
        return known
    return hashlib.sha256(request.call_id.encode(errors="surrogatepass")).hexdigest()[:32]


class ObservationIds:
    """The eight bytes that name each part of one request, such as attempt 1.

    Callers may send the same call id again, so the time of receipt is in it too.
    """

    __slots__ = ("_begun",)

    def __init__(self, request: Request) -> None:
        name = f"{request.call_id}|{request.received_at!r}"
        digest = hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest()
        self._begun = int.from_bytes(digest, "big")

    def of(self, part: Part, number: int = 0) -> bytes:
        """The id of the *number*-th *part*: one hash for all, and none twice in a request."""
        return ((self._begun ^ (number << 2 | part)) or _RANGE - 1).to_bytes(8, "big")


def is_sampled(trace_id: str, *, rate: float) -> bool:
    """Whether the trace is in the share *rate*; the same for all requests of a trace.

    The id itself will not do: half of a random UUID's leading bits are not random at the place
    where OpenTelemetry's ratio sampler looks.
    """
    if rate >= 1:
        return True
    drawn = int.from_bytes(hashlib.sha256(trace_id.encode()).digest()[:8], "big")
    return drawn < rate * _RANGE
