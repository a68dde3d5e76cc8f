"""Laws of history: no total and no quantile depends on how rows were cut and joined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.history.columns import join
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, floor_to
from litellm_obs_plugin.history.rollup import coarsen, to_columns, to_series
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from tests.history.house import House

T0 = 1_749_999_600  # on a whole hour
COUNTER, DURATION = "requests_total", "request_duration_seconds"
patient = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

values = st.lists(st.floats(min_value=0.0, max_value=900.0, allow_subnormal=False), max_size=6)
# Each: when (in steps of 10 s over two hours), which series, the durations of its requests.
rows = st.lists(st.tuples(st.integers(0, 719), st.sampled_from("abc"), values), max_size=20)


def labels(name):
    return (name, "chat", "false", "success"), (name, "false", "success")


def written(found):
    """Columns of each row, as the writer would have made them."""
    for step, name, durations in found:
        counted, timed = labels(name)
        series = {COUNTER: {counted: float(len(durations))}}
        if durations:
            series[DURATION] = {timed: Sketch.of(SECONDS, durations)}
        t = T0 + 10 * step
        yield to_columns(Snapshot(started_at=t, taken_at=t + 10, series=series), t=t)


def counts(columns):
    found = to_series(columns)
    return {k: v for k, v in found.get(COUNTER, {}).items() if v}


def raw_counts(found):
    sums: dict = {}
    for _, name, durations in found:
        if durations:
            key = labels(name)[0]
            sums[key] = sums.get(key, 0.0) + len(durations)
    return sums


@patient
@given(found=rows)
def test_rollups_of_any_level_sum_to_the_raw_counts(found):
    fine = join(written(found))
    minutes = coarsen(fine, MINUTE_S)
    hours = coarsen(minutes, HOUR_S)

    for level in (fine, minutes, hours):
        assert raw_counts(found) == counts(level)


@patient
@given(found=rows)
def test_hours_of_minutes_are_hours_of_ten_seconds(found):
    fine = join(written(found))
    twice, once = coarsen(coarsen(fine, MINUTE_S), HOUR_S), coarsen(fine, HOUR_S)

    def plain(columns):
        return {
            (columns.names[s], t): (pytest.approx(value), n, zero)
            for s, t, value, n, zero, *_ in columns.rows()
        }

    assert plain(once) == plain(twice)
    assert {floor_to(int(t), HOUR_S) for t in once.t} == set(once.t.tolist())


@patient
@given(found=rows)
def test_quantiles_of_merged_rows_are_those_of_one_sketch(found):
    every: dict[str, list[float]] = {}
    for _, name, durations in found:
        if durations:
            every.setdefault(name, []).extend(durations)
    hours = to_series(coarsen(coarsen(join(written(found)), MINUTE_S), HOUR_S)).get(DURATION, {})

    assert {labels(name)[1] for name in every} == hours.keys()
    for name, durations in every.items():
        exact, merged = Sketch.of(SECONDS, durations), hours[labels(name)[1]]
        assert (exact.count, exact.zero_count) == (merged.count, merged.zero_count)
        assert np.array_equal(exact.bins, merged.bins)
        assert math.isclose(exact.sum, merged.sum, rel_tol=1e-9, abs_tol=1e-9)
        for q in (0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0):
            assert exact.get_quantile_value(q) == merged.get_quantile_value(q)


@settings(deadline=None, max_examples=5, suppress_health_check=list(HealthCheck))
@given(
    counted=st.lists(st.lists(st.floats(0.001, 100), max_size=3), min_size=8, max_size=16),
    pause_s=st.sampled_from([10, 50, 700]),
)
def test_compaction_changes_no_total(tmp_path_factory, counted, pause_s):
    """Through the database, with rows of all three lengths in the window."""
    house = House(tmp_path_factory.mktemp("house") / "state")
    try:
        house.write()  # from here on it is known when each was counted
        for durations in counted:
            house.count(*durations)
            house.sleep(pause_s)
            house.write()
        every = [value for durations in counted for value in durations]
        window = house.window(24 * HOUR_S)
        sketch = window.sketch(DURATION)

        assert len(every) == window.total(COUNTER)
        assert math.isclose(
            math.fsum(every) / 7, window.total("cost_usd_total"), rel_tol=1e-9, abs_tol=1e-12
        )
        if every:
            exact = Sketch.of(SECONDS, every)
            assert np.array_equal(exact.bins, sketch.bins)
            assert exact.get_quantile_value(0.95) == sketch.get_quantile_value(0.95)
    finally:
        house.stop()
