"""Budgets and objectives as JSON. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from litellm_obs_plugin.gateway_api.budgets import Budgets
from litellm_obs_plugin.gateway_api.models import Model
from litellm_obs_plugin.slo.objective import Kind, ObjectiveState


class WindowRow(Model):
    """Requests of the last so many minutes; null: that time is not known.

    burnRate is null without any.
    """

    window: str
    good: int | None
    total: int | None
    burn_rate: float | None


class ObjectiveRow(Model):
    """An objective; its budget is of 30 days, and negative when overdrawn.

    exhaustedAt is null when the budget lasts at the rate of the last hour.
    """

    name: str
    kind: Kind
    objective: float
    threshold_ms: float | None
    models: list[str]
    windows: list[WindowRow]
    budget_remaining_ratio: float | None
    exhausted_at: datetime | None


class Promised(Budgets):
    """All budgets, and the objectives in the order of the settings."""

    objectives: list[ObjectiveRow]


def build_objectives(states: Sequence[ObjectiveState]) -> list[ObjectiveRow]:
    """How every objective stands."""
    return [_row(state) for state in states]


def _row(state: ObjectiveState) -> ObjectiveRow:
    promised, at = state.objective, state.exhausts_at
    return ObjectiveRow(
        name=promised.name,
        kind=promised.kind,
        objective=promised.objective,
        threshold_ms=promised.threshold_s * 1000 if promised.threshold_s is not None else None,
        models=sorted(promised.models),
        windows=[
            WindowRow(
                window=window,
                good=round(count.good) if count is not None else None,
                total=round(count.total) if count is not None else None,
                burn_rate=state.burn_rates[window],
            )
            for window, count in state.counts.items()
        ],
        budget_remaining_ratio=state.budget_remaining,
        exhausted_at=datetime.fromtimestamp(at, tz=UTC) if at is not None else None,
    )
