"""What a request may have beyond an answer: a row that tells of it is read only then."""

from enum import Enum, auto

from litellm_obs_plugin.record import Outcome, Request

Aspects = tuple[bool, ...]  # in the order of :class:`Aspect`


class Aspect(Enum):
    """Most requests have few of these, so most rows need not be asked."""

    FAILURE = auto()
    RETRY = auto()
    FAILOVER = auto()
    STREAM = auto()
    CACHE_HIT = auto()
    TEAM = auto()
    KEY = auto()
    TAG = auto()


def aspects_of(r: Request) -> Aspects:
    """Which of them *r* has."""
    caller = r.caller
    return (
        r.failure is not None,
        len(r.attempts) > 1,
        bool(r.failovers),
        r.stream,
        r.outcome is Outcome.CACHE_HIT or bool(r.cache_saved_usd),
        bool(caller.team),
        bool(caller.key_alias),
        bool(caller.tags),
    )


def has(aspects: Aspects, aspect: Aspect | None) -> bool:
    """Whether *aspect* is among them; None always is."""
    return aspect is None or aspects[aspect.value - 1]
