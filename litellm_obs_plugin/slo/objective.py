"""Objectives: which requests were good, and how fast the rest uses the budget. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Outcome, Request, Source

EVENTS = "slo_events_total"
GOOD, BAD = "good", "bad"
WINDOWS_S = {"5m": 300.0, "30m": 1800.0, "1h": 3600.0, "6h": 21_600.0, "3d": 259_200.0}
PERIOD_S = 30 * 86_400.0  # over which the budget is reckoned
_RATE_WINDOW = "1h"
_ANSWERED = frozenset({Outcome.SUCCESS, Outcome.CACHE_HIT})
_NEITHER = frozenset({Outcome.CLIENT_DISCONNECT, Outcome.REJECTED})


class Kind(StrEnum):
    """What is promised: an answer, or an answer in time."""

    AVAILABILITY = "availability"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A share *objective* of the requests for *models* (none named: for all) is to be good."""

    name: str
    objective: float
    kind: Kind
    threshold_s: float | None = None
    models: frozenset[str] = frozenset()

    def judge(self, request: Request) -> str | None:
        """Good or bad; None when it says nothing of the gateway, or is about another model.

        The caller's own errors and hang-ups count neither way. Of a latency only answers tell.
        """
        if self.models and request.model_group not in self.models:
            return None
        failed = request.outcome not in _ANSWERED
        if request.outcome in _NEITHER or (failed and _is_the_callers(request)):
            return None
        match self.kind:
            case Kind.AVAILABILITY:
                return BAD if failed else GOOD
            case Kind.LATENCY:
                if failed or request.duration_s is None or self.threshold_s is None:
                    return None
                return GOOD if request.duration_s <= self.threshold_s else BAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Good and bad requests."""

    good: float = 0.0
    bad: float = 0.0

    @property
    def total(self) -> float:
        return self.good + self.bad


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveState:
    """How an objective stands. A count is None when nobody knows that window; rates and ratios
    are None also while nothing was counted.

    *exhausts_at* is None when the budget lasts at the rate of the last hour.
    """

    objective: Objective
    counts: Mapping[str, Count | None]
    burn_rates: Mapping[str, float | None]
    budget_remaining: float | None
    exhausts_at: float | None


def count_of(snapshot: Snapshot, name: str) -> Count:
    """What *snapshot* counted under an objective."""
    return Count(
        good=snapshot.total(EVENTS, slo=name, result=GOOD),
        bad=snapshot.total(EVENTS, slo=name, result=BAD),
    )


def burn_rate(count: Count | None, objective: float) -> float | None:
    """1: the budget lasts exactly its period; None without requests."""
    if count is None or not count.total:
        return None
    return (count.bad / count.total) / (1 - objective)


def read_objective(
    objective: Objective, last: Callable[[float], Snapshot | None], *, now: float
) -> ObjectiveState:
    """How *objective* stands; *last* gives what was counted in so many seconds, if it is known."""

    def in_last(seconds: float) -> Count | None:
        found = last(seconds)
        return count_of(found, objective.name) if found is not None else None

    counts = {window: in_last(seconds) for window, seconds in WINDOWS_S.items()}
    period = in_last(PERIOD_S)
    spent = burn_rate(period, objective.objective)
    return ObjectiveState(
        objective=objective,
        counts=counts,
        burn_rates={w: burn_rate(c, objective.objective) for w, c in counts.items()},
        budget_remaining=1 - spent if spent is not None else None,
        exhausts_at=_exhausts_at(objective, period, counts[_RATE_WINDOW], now=now),
    )


def _is_the_callers(request: Request) -> bool:
    return request.failure is not None and request.failure.source is Source.CLIENT


def _exhausts_at(
    objective: Objective, period: Count | None, hour: Count | None, *, now: float
) -> float | None:
    """When bad requests will be more than allowed, if the last hour goes on."""
    if period is None or not period.total:
        return None
    allowed = 1 - objective.objective
    left = allowed * period.total - period.bad
    if left <= 0 < period.bad:
        return now
    if hour is None:
        return None
    excess_per_s = (hour.bad - allowed * hour.total) / WINDOWS_S[_RATE_WINDOW]
    return now + left / excess_per_s if excess_per_s > 0 else None
