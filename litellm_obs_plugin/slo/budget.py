"""Budgets: dollars per calendar period for a part of the traffic. Pure.

Spending is counted under the budget's name and the start of its period, so it survives workers and
restarts as every counter does, and a new period begins at zero by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Attempt, Request

SPENT = "budget_period_usd_total"


class Period(StrEnum):
    """Calendar periods, UTC; a week begins on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """*usd* per *period* for what *scope* names (team, key, tag, model, provider); {}: for all."""

    name: str
    usd: float
    period: Period
    scope: Mapping[str, str] = field(default_factory=dict)

    def spent_by(self, request: Request) -> float:
        """Dollars of *request* that fall under this budget."""
        caller = request.caller
        known = {"team": (caller.team,), "key": (caller.key_alias,), "tag": caller.tags}
        for dimension, values in known.items():
            if dimension in self.scope and self.scope[dimension] not in values:
                return 0.0
        return sum(_usd(a) for a in request.attempts if self._covers(a))

    def _covers(self, attempt: Attempt) -> bool:
        at = attempt.deployment
        known = {"model": (at.model, at.model_group), "provider": (at.provider,)}
        return all(self.scope[d] in values for d, values in known.items() if d in self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """How a budget stands. *exhausts_at* is None when it lasts to the end of its period."""

    budget: Budget
    starts_at: float
    ends_at: float
    spent_usd: float
    usd_per_hour: float | None
    exhausts_at: float | None


def period_of(period: Period, at: float) -> tuple[float, float]:
    """Start and end of the period that contains *at*, epoch seconds."""
    midnight = datetime.fromtimestamp(at, tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case Period.DAY:
            start, end = midnight, midnight + timedelta(days=1)
        case Period.WEEK:
            start = midnight - timedelta(days=midnight.weekday())
            end = start + timedelta(days=7)
        case Period.MONTH:
            start = midnight.replace(day=1)
            end = (start + timedelta(days=32)).replace(day=1)
    return start.timestamp(), end.timestamp()


def label_of(starts_at: float) -> str:
    """How a period's start stands in the label."""
    return datetime.fromtimestamp(starts_at, tz=UTC).date().isoformat()


def read_budgets(snapshot: Snapshot, budgets: Iterable[Budget], *, now: float) -> list[BudgetState]:
    """How every budget stands, from what was counted."""
    return [_state(snapshot, budget, now) for budget in budgets]


def _state(snapshot: Snapshot, budget: Budget, now: float) -> BudgetState:
    starts_at, ends_at = period_of(budget.period, now)
    spent_usd = snapshot.total(SPENT, name=budget.name, period=label_of(starts_at))
    elapsed_s = now - max(starts_at, snapshot.started_at)
    rate = spent_usd / elapsed_s if elapsed_s > 0 else None
    return BudgetState(
        budget=budget,
        starts_at=starts_at,
        ends_at=ends_at,
        spent_usd=spent_usd,
        usd_per_hour=rate * 3600 if rate is not None else None,
        exhausts_at=_exhausts_at(budget, spent_usd, rate, now=now, ends_at=ends_at),
    )


def _exhausts_at(
    budget: Budget, spent_usd: float, rate: float | None, *, now: float, ends_at: float
) -> float | None:
    left_usd = budget.usd - spent_usd
    if left_usd <= 0:
        return now
    if not rate:
        return None
    at = now + left_usd / rate
    return at if at < ends_at else None


def _usd(attempt: Attempt) -> float:
    cost = attempt.cost
    return cost.total_usd if cost is not None and cost.total_usd is not None else 0.0
