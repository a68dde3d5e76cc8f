"""Budgets: what falls under one, its period, and when it will be used up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import (
    Attempt,
    Caller,
    Cost,
    CostStatus,
    Deployment,
    Operation,
    Outcome,
    Request,
)
from litellm_obs_plugin.slo.budget import SPENT, Budget, Period, label_of, period_of, read_budgets
from litellm_obs_plugin.slo.meter import BudgetMeter, with_budgets

HOUR_S = 3600.0
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()  # a Tuesday


def budget(**given) -> Budget:
    return Budget(**{"name": "all", "usd": 10.0, "period": Period.DAY, **given})


def attempt(*, provider: str, model: str, usd: float | None) -> Attempt:
    status = CostStatus.UNPRICED if usd is None else CostStatus.PRICED
    return Attempt(
        deployment=Deployment(id="d", model_group="chat", model=model, provider=provider),
        started_at=NOON,
        duration_s=1.0,
        outcome=Outcome.SUCCESS,
        cost=Cost(status=status, total_usd=usd),
    )


REQUEST = Request(
    call_id="1",
    received_at=NOON,
    duration_s=1.0,
    operation=Operation.CHAT,
    stream=False,
    model_group="chat",
    outcome=Outcome.SUCCESS,
    attempts=(
        attempt(provider="openai", model="gpt-4o", usd=2.0),
        attempt(provider="mistral", model="large", usd=3.0),
        attempt(provider="groq", model="llama", usd=None),
    ),
    caller=Caller(team="red", key_alias="ci", tags=("blue", "green")),
)


@pytest.mark.parametrize(
    ("scope", "usd"),
    [
        ({}, 5.0),
        ({"provider": "openai"}, 2.0),
        ({"model": "large"}, 3.0),
        ({"model": "chat"}, 5.0),
        ({"team": "red"}, 5.0),
        ({"team": "other"}, 0.0),
        ({"tag": "green", "provider": "mistral"}, 3.0),
        ({"key": "ci", "tag": "purple"}, 0.0),
    ],
)
def test_what_falls_under_a_budget(scope, usd):
    assert usd == budget(scope=scope).spent_by(REQUEST)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period.DAY, "2026-11-24", "2026-11-25"),
        (Period.WEEK, "2026-11-23", "2026-11-30"),
        (Period.MONTH, "2026-11-01", "2026-12-01"),
    ],
)
def test_periods(period, start, end):
    assert [start, end] == [label_of(edge) for edge in period_of(period, NOON)]


@given(at=st.floats(min_value=0, max_value=4e9), period=st.sampled_from(Period))
def test_periods_follow_each_other_without_a_gap(at, period):
    start, end = period_of(period, at)

    assert start <= at < end
    assert (start, end) == period_of(period, start)
    assert end == period_of(period, end)[0]


def snapshot(spent_usd: float, *, started_at: float = 0.0) -> Snapshot:
    labels = ("all", label_of(period_of(Period.DAY, NOON)[0]))
    return Snapshot(
        started_at=started_at,
        taken_at=NOON,
        series={SPENT: {labels: spent_usd, ("all", "2026-11-23"): 99.0}},
    )


def test_at_this_rate():
    """6 of 10 dollars at noon: half a dollar an hour, 8 hours left, before midnight."""
    (state,) = read_budgets(snapshot(6.0), [budget()], now=NOON)

    assert (6.0, pytest.approx(0.5)) == (state.spent_usd, state.usd_per_hour)
    assert state.exhausts_at == pytest.approx(NOON + 8 * HOUR_S)


@pytest.mark.parametrize(("spent_usd", "exhausts_at"), [(0.0, None), (4.0, None), (11.0, NOON)])
def test_lasting_and_used_up(spent_usd, exhausts_at):
    (state,) = read_budgets(snapshot(spent_usd), [budget()], now=NOON)

    assert exhausts_at == state.exhausts_at


def test_the_rate_counts_from_when_recording_began():
    (state,) = read_budgets(snapshot(1.0, started_at=NOON - HOUR_S), [budget()], now=NOON)

    assert state.usd_per_hour == pytest.approx(1.0)


def test_gauges():
    shown = with_budgets(snapshot(6.0), [budget()], now=NOON)

    assert {("all",): 10.0} == shown.series["budget_limit_usd"]
    assert {("all",): 6.0} == shown.series["budget_spent_usd"]
    assert [("all",)] == list(shown.series["budget_exhaustion_timestamp_seconds"])


def test_the_meter_counts_under_the_period():
    counted = []

    class Counts:
        def count(self, *labels, value):
            counted.append((labels, value))

    BudgetMeter(budgets=[budget()], counter=Counts(), clock=lambda: NOON).record(REQUEST)

    assert [((SPENT, "all", "2026-11-24"), 5.0)] == counted
