"""Objectives: what counts, burn rates, and when the budget is used up."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import ErrorType, Failure, Operation, Outcome, Request, Source
from litellm_obs_plugin.sections import SloSettings
from litellm_obs_plugin.settings import Settings
from litellm_obs_plugin.slo.objective import (
    BAD,
    EVENTS,
    GOOD,
    PERIOD_S,
    WINDOWS_S,
    Kind,
    Objective,
    read_objective,
)
from litellm_obs_plugin.slo.promises import FRESH_S, Promises, since_start

NOW = 1_750_000_000.0
AVAILABLE = Objective(name="a", objective=0.99, kind=Kind.AVAILABILITY)
FAST = Objective(name="f", objective=0.9, kind=Kind.LATENCY, threshold_s=2.0)


def request(outcome=Outcome.SUCCESS, *, source=None, duration_s=1.0, group="chat") -> Request:
    failure = Failure(error_type=ErrorType.OTHER, source=source) if source is not None else None
    return Request(
        call_id="c",
        trace_id="t",
        received_at=NOW,
        duration_s=duration_s,
        operation=Operation.CHAT,
        stream=False,
        model_group=group,
        outcome=outcome,
        failure=failure,
        attempts=(),
    )


@pytest.mark.parametrize(
    ("given", "available", "fast"),
    [
        (request(), GOOD, GOOD),
        (request(Outcome.CACHE_HIT), GOOD, GOOD),
        (request(duration_s=2.0), GOOD, GOOD),
        (request(duration_s=2.001), GOOD, BAD),
        (request(duration_s=None), GOOD, None),
        (request(Outcome.ERROR, source=Source.PROVIDER), BAD, None),
        (request(Outcome.ERROR, source=Source.GATEWAY), BAD, None),
        (request(Outcome.ERROR), BAD, None),
        (request(Outcome.ERROR, source=Source.CLIENT), None, None),
        (request(Outcome.REJECTED, source=Source.GATEWAY), None, None),
        (request(Outcome.CLIENT_DISCONNECT, duration_s=99.0), None, None),
    ],
)
def test_what_counts(given, available, fast):
    assert (available, fast) == (AVAILABLE.judge(given), FAST.judge(given))


def test_only_the_models_that_are_named():
    one = Objective(name="a", objective=0.9, kind=Kind.AVAILABILITY, models=frozenset({"chat"}))

    assert (GOOD, None) == (one.judge(request()), one.judge(request(group="other")))


def counted(good: float, bad: float, *, started_at: float = NOW - 60) -> Snapshot:
    series = {("a", GOOD): good, ("a", BAD): bad}
    return Snapshot(started_at=started_at, taken_at=NOW, series={EVENTS: series})


def state_of(counts: dict[float, tuple[float, float] | None]):
    def last(seconds):
        found = counts.get(seconds, (0, 0))
        return counted(*found) if found is not None else None

    return read_objective(AVAILABLE, last, now=NOW)


def test_burn_rates():
    """2 % bad is twice what 99 % allows; of no requests nothing is said."""
    state = state_of({WINDOWS_S["5m"]: (98, 2), WINDOWS_S["1h"]: (199, 1), WINDOWS_S["3d"]: None})

    rates = state.burn_rates
    assert list(rates) == ["5m", "30m", "1h", "6h", "3d"]
    assert math.isclose(rates["5m"], 2.0)
    assert math.isclose(rates["1h"], 0.5)
    assert rates["30m"] is None
    assert rates["3d"] is None
    assert state.counts["3d"] is None
    assert state.counts["30m"].total == 0


@pytest.mark.parametrize(
    ("period", "left"), [((1000, 0), 1.0), ((995, 5), 0.5), ((980, 20), -1.0), ((0, 0), None)]
)
def test_the_budget_is_of_thirty_days(period, left):
    found = state_of({PERIOD_S: period}).budget_remaining

    assert found == (pytest.approx(left) if left is not None else None)


def test_exhaustion():
    """1,000 requests allow 10 bad ones: 5 are left, the last hour used 4 beyond its own 1."""
    state = state_of({PERIOD_S: (995, 5), WINDOWS_S["1h"]: (95, 5)})

    assert state.exhausts_at == pytest.approx(NOW + 3600 * 5 / 4)
    assert NOW == state_of({PERIOD_S: (980, 20)}).exhausts_at
    assert state_of({PERIOD_S: (995, 5), WINDOWS_S["1h"]: (100, 1)}).exhausts_at is None
    assert state_of({}).exhausts_at is None


def test_without_history_only_what_is_younger_than_the_window():
    live = counted(9, 1, started_at=NOW - 1800)
    (state,) = Promises(objectives=[AVAILABLE], past=since_start).states(live)

    assert [w for w, count in state.counts.items() if count is None] == ["5m"]
    assert state.burn_rates["6h"] == pytest.approx(10.0)


def test_the_past_is_read_once_for_everyone_who_looks():
    """Scrape, JSON and report within a moment share one reading; then it is read anew."""
    asked = []

    def past(live, seconds):
        asked.append(seconds)
        return live

    promises = Promises(objectives=[AVAILABLE, FAST], past=past)
    for after_s in (0.0, FRESH_S / 2):
        promises.show(replace(counted(9, 1), taken_at=NOW + after_s))
        promises.states(replace(counted(9, 1), taken_at=NOW + after_s))
    assert sorted({*WINDOWS_S.values(), PERIOD_S}) == sorted(asked)

    (later, _) = promises.states(replace(counted(5, 5), taken_at=NOW + FRESH_S))
    assert later.burn_rates["5m"] == pytest.approx(50.0)
    (clock_set_back, _) = promises.states(replace(counted(9, 1), taken_at=NOW))
    assert clock_set_back.burn_rates["5m"] == pytest.approx(10.0)


def test_gauges_are_absent_where_nothing_is_known():
    shown = Promises(objectives=[AVAILABLE], past=since_start).show(counted(0, 0))

    assert {("a",): 0.99} == shown.series["slo_objective_ratio"]
    assert {} == shown.series["slo_burn_rate"]
    assert {} == shown.series["slo_budget_remaining_ratio"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"objective": 1.0}, "objective"),
        ({"objective": 99.9}, "objective"),
        ({"kind": "speed"}, "kind"),
        ({"kind": "latency"}, "threshold_ms"),
        ({"threshold_ms": 5}, "threshold_ms"),
    ],
)
def test_a_bad_setting_is_named(given, named):
    with pytest.raises(ValidationError, match=named):
        SloSettings(**{"name": "a", "objective": 0.9, **given})


def test_each_name_once():
    one = {"name": "a", "objective": 0.9}
    with pytest.raises(ValidationError, match="'a' is there twice"):
        Settings(slo=[one, one])
