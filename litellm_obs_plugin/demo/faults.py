"""What goes wrong at the simulated providers, and when."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The value is the name used in a prompt and in the ledger."""

    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    RATE_LIMIT = "429"
    AUTH = "401"
    BAD_REQUEST = "400"
    NOT_FOUND = "404"
    CONTEXT_LENGTH = "context_length"
    CONTENT_POLICY = "content_policy"
    TIMEOUT = "timeout"
    DROP = "drop"  # in the middle of an answer
    HANGUP = "hangup"  # after the headers of a stream, before its first word
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One call's misfortune. `delay_s` is only read for `SLOW`."""

    kind: FaultKind
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """*provider* fails completely for *length_s* in every *period_s*, first at *start_s*."""

    provider: str
    start_s: float
    length_s: float
    period_s: float
    kind: FaultKind

    def holds(self, t_s: float) -> bool:
        return t_s >= self.start_s and (t_s - self.start_s) % self.period_s < self.length_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Outages by the clock, and *rates*: the share of calls that meet a fault at any time."""

    outages: tuple[Outage, ...] = ()
    rates: tuple[tuple[FaultKind, float], ...] = ()

    def fault(self, provider: str, model: str, t_s: float, rng: random.Random) -> Fault | None:
        """The fault a call meets *t_s* seconds after the start, or None.

        An outage takes the whole provider, whatever the *model*. Draws from *rng* exactly once,
        so that a seed gives the same faults whether or not there is an outage.
        """
        del model
        draw = rng.random()
        outage = self.outage(provider, t_s)
        if outage is not None:
            return outage
        for kind, rate in self.rates:
            if draw < rate:
                return Fault(kind=kind)
            draw -= rate
        return None

    def outage(self, provider: str, t_s: float) -> Fault | None:
        """The fault of everything that *provider* answers at that time, or None."""
        held = (o for o in self.outages if o.provider == provider and o.holds(t_s))
        return next((Fault(kind=outage.kind) for outage in held), None)


CALM = Schedule()

# One provider at a time, so that a fallback has somewhere to go.
DEMO = Schedule(
    outages=(
        Outage(
            provider="openai",
            start_s=30,
            length_s=25,
            period_s=120,
            kind=FaultKind.UNAVAILABLE,
        ),
        Outage(
            provider="groq",
            start_s=85,
            length_s=15,
            period_s=120,
            kind=FaultKind.RATE_LIMIT,
        ),
        Outage(
            provider="anthropic",
            start_s=110,
            length_s=15,
            period_s=240,
            kind=FaultKind.SERVER_ERROR,
        ),
    ),
    rates=(
        (FaultKind.SERVER_ERROR, 0.012),
        (FaultKind.RATE_LIMIT, 0.008),
        (FaultKind.DROP, 0.003),
        (FaultKind.TIMEOUT, 0.001),
    ),
)

PROFILES = {"demo": DEMO, "test": CALM}
