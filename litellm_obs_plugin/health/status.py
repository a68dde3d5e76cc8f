"""Three words for how something is, and the sentence behind a word."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Best first: degraded works, but look at it."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_ORDER = tuple(Status)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status and why, in words."""

    status: Status
    reason: str = ""


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; healthy without any."""
    return max(statuses, key=_ORDER.index, default=Status.HEALTHY)
