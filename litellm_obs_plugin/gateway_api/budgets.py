"""Budgets as JSON. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from litellm_obs_plugin.gateway_api.models import Model
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Owner
from litellm_obs_plugin.slo.budget import Budget, BudgetState, Period, read_budgets
from litellm_obs_plugin.slo.key_budget import KeyBudgetState, read_key_budgets


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


class KeyBudgetRow(Model):
    """A budget that LiteLLM keeps, as the last request under it showed it at seenAt.

    usdPerHour is what LiteLLM counted since a worker first saw the budget. exhaustsAt is null when
    it lasts until resetsAt at this rate, or when no rate is known.
    """

    owner: Owner
    name: str
    limit_usd: float
    spent_usd: float
    remaining_ratio: float
    seen_at: datetime
    resets_at: datetime | None
    usd_per_hour: float | None
    exhausts_at: datetime | None


class Budgets(Model):
    """All budgets: our own in the order of the settings, LiteLLM's by owner and name."""

    budgets: list[BudgetRow]
    key_budgets: list[KeyBudgetRow]


def build_budgets(snapshot: Snapshot, budgets: Sequence[Budget], *, now: float) -> Budgets:
    """How every budget stands."""
    return Budgets(
        budgets=[_row(state) for state in read_budgets(snapshot, budgets, now=now)],
        key_budgets=[_key_row(state) for state in read_key_budgets(snapshot)],
    )


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


def _key_row(state: KeyBudgetState) -> KeyBudgetRow:
    return KeyBudgetRow(
        owner=state.owner,
        name=state.name,
        limit_usd=state.limit_usd,
        spent_usd=state.spent_usd,
        remaining_ratio=max(1 - state.spent_usd / state.limit_usd, 0.0),
        seen_at=_time(state.seen_at),
        resets_at=_time(state.resets_at) if state.resets_at is not None else None,
        usd_per_hour=state.usd_per_hour,
        exhausts_at=_time(state.exhausts_at) if state.exhausts_at is not None else None,
    )


def _time(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)
