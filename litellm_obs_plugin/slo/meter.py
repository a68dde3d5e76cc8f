"""Counts spending under budgets, and shows how they stand as metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from litellm_obs_plugin.metrics.metric import Labels
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Request
from litellm_obs_plugin.slo.budget import SPENT, Budget, label_of, period_of, read_budgets


class Counter(Protocol):
    """Counts by name."""

    def count(self, name: str, *labels: str, value: float = 1.0) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetMeter:
    """Takes finished requests. *clock* is seconds since the epoch."""

    budgets: Sequence[Budget]
    counter: Counter
    clock: Callable[[], float]

    def record(self, request: Request) -> None:
        """Count what *request* cost under every budget it falls under."""
        for budget in self.budgets:
            usd = budget.spent_by(request)
            if usd:
                starts_at, _ = period_of(budget.period, self.clock())
                self.counter.count(SPENT, budget.name, label_of(starts_at), value=usd)


def with_budgets(snapshot: Snapshot, budgets: Sequence[Budget], *, now: float) -> Snapshot:
    """*snapshot* with the budgets' gauges."""
    limits: dict[Labels, float] = {}
    spent: dict[Labels, float] = {}
    exhausted: dict[Labels, float] = {}
    for state in read_budgets(snapshot, budgets, now=now):
        labels = (state.budget.name,)
        limits[labels], spent[labels] = state.budget.usd, state.spent_usd
        if state.exhausts_at is not None:
            exhausted[labels] = state.exhausts_at
    return snapshot.with_series(
        {
            "budget_limit_usd": limits,
            "budget_spent_usd": spent,
            "budget_exhaustion_timestamp_seconds": exhausted,
        }
    )
