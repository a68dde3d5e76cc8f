"""Budgets as JSON. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from litellm_obs_plugin.gateway_api.models import Model
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.slo.budget import Budget, BudgetState, Period, read_budgets


class BudgetRow(Model):
    """A budget in its period. exhaustsAt is null when it lasts to the end at this rate."""

    name: str
    limit_usd: float
    spent_usd: float
    remaining_ratio: float
    period: Period
    starts_at: datetime
    ends_at: datetime
    usd_per_hour: float | None
    exhausts_at: datetime | None
    scope: dict[str, str]


class Budgets(Model):
    """All budgets, in the order of the settings."""

    budgets: list[BudgetRow]


def build_budgets(snapshot: Snapshot, budgets: Sequence[Budget], *, now: float) -> Budgets:
    """How every budget stands."""
    return Budgets(budgets=[_row(state) for state in read_budgets(snapshot, budgets, now=now)])


def _row(state: BudgetState) -> BudgetRow:
    limit_usd = state.budget.usd
    return BudgetRow(
        name=state.budget.name,
        limit_usd=limit_usd,
        spent_usd=state.spent_usd,
        remaining_ratio=max(1 - state.spent_usd / limit_usd, 0.0),
        period=state.budget.period,
        starts_at=_time(state.starts_at),
        ends_at=_time(state.ends_at),
        usd_per_hour=state.usd_per_hour,
        exhausts_at=_time(state.exhausts_at) if state.exhausts_at is not None else None,
        scope=dict(state.budget.scope),
    )


def _time(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)
