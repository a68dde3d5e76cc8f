"""What was recorded is what windows show, whatever happened in between."""

import math
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.history import roster
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from tests.history.house import START, House


def test_counts_show_at_once(house):
    """
    A request of a second ago is in the window, though nothing is written yet.
    """
    house.sleep(1)
    house.count(0.5)

    assert house.window(900).total("requests_total") == 1


def test_a_window_holds_what_came_in_it(house):
    house.sleep(5)
    house.count(0.5, 0.5)
    house.sleep(5.05)
    house.write()
    house.sleep(60)
    house.write()
    house.count(1.5)
    house.sleep(2)

    assert house.window(30).total("requests_total") == 1
    assert house.window(900).total("requests_total") == 3
    assert house.window(30, until=30).total("requests_total") == 0


def test_a_restart_loses_and_doubles_nothing(house):
    """
    What was counted after the last write is in the first row after the restart.
    """
    house.count(0.1)
    house.sleep(10.05)
    house.write()
    house.count(0.2, 0.3)
    house.sleep(4)
    house.restart()
    house.sleep(1800)
    house.write()
    house.count(0.4)
    house.sleep(10.05)
    house.write()

    window = house.window(3600)

    assert window.total("requests_total") == 4
    assert window.sketch("request_duration_seconds").count == 4
    assert house.window(1000).total("requests_total") == 1


def test_totals_older_than_history_are_not_of_now(tmp_path):
    """
    Of counts that were there before the first write nobody knows when they came.
    """
    house = House(tmp_path / "state")
    house.count(*[0.1] * 50)
    house.sleep(7200)
    house.write()
    house.count(0.1)
    house.sleep(10.05)
    house.write()

    assert house.window(900).total("requests_total") == 1
    house.stop()


def test_rows_never_overlap_when_the_clock_is_set_back(house):
    for _ in range(6):
        house.count(0.1)
        house.sleep(10.05)
        house.write()
    house.now -= 45
    for _ in range(12):
        house.count(0.1)
        house.sleep(10.05)
        house.write()

    past = house.read(3600)

    times = sorted(past.columns.t[past.columns.series == 0].tolist())
    assert len(times) == len(set(times))
    assert past.snapshot(house.fleet.read()).total("requests_total") == 18


def test_a_host_that_slept_watched_nothing_meanwhile(house):
    house.count(0.1)
    house.sleep(10.05)
    house.write()
    house.now += 1800  # asleep: the monotonic clock stands still
    house.count(0.1)
    house.sleep(10.0)
    house.write()

    past = house.read(3600)

    assert past.covered_s == pytest.approx(20.05, abs=0.2)
    assert house.window(300).total("requests_total") == 1


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(
        st.tuples(
            st.lists(st.floats(1e-3, 1e4), max_size=20),
            st.sampled_from([3.0, 10.02, 65.0, 1900.0]),
            st.booleans(),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_windows_sum_to_what_was_counted(steps):
    """
    Whatever is written, compacted and restarted when: the whole past adds up, to the last bin.
    """
    with tempfile.TemporaryDirectory() as directory:
        house = House(Path(directory) / "state")
        house.write()
        seen: list[float] = []
        for values, seconds, restart in steps:
            house.count(*values)
            seen += values
            house.sleep(seconds)
            if restart:
                house.restart()
            house.write()

        window = house.window(house.now - START + 60)

        assert window.total("requests_total") == len(seen)
        assert math.isclose(window.total("cost_usd_total"), math.fsum(v / 7 for v in seen))
        if seen:
            expected, found = Sketch.of(SECONDS, seen), window.sketch("request_duration_seconds")
            assert found.bins.tolist() == expected.bins.tolist()
            assert math.isclose(found.sum, expected.sum, rel_tol=1e-9)
        house.stop()


def test_coarse_rows_equal_the_fine_ones(house):
    """
    Once the fine rows are gone, minutes and hours say the same.
    """
    chance = random.Random(7)
    truth: dict[int, list[float]] = {}
    for _ in range(5 * HOUR_S // 4 // STEP_S):
        values = [chance.lognormvariate(0, 1) for _ in range(chance.randrange(3))]
        house.count(*values)
        truth.setdefault(int(house.now) // HOUR_S * HOUR_S, []).extend(values)
        house.sleep(STEP_S)
        house.write()
    house.sleep(86_400)
    house.awake_s += 10_000
    house.write()

    with house.store.reading() as connection:
        (instance,) = roster.instances(connection)
        kept = {one.step_s: one.kept for one in house.store.levels(connection, instance)}
    past = house.read(house.now - START)

    assert kept[STEP_S] > START + HOUR_S
    assert kept[MINUTE_S] < START + HOUR_S
    hours = {int(t) // HOUR_S * HOUR_S for t in past.columns.t}
    assert hours == set(truth)
    window = past.snapshot(house.fleet.read())
    everything = [v for values in truth.values() for v in values]
    assert window.total("requests_total") == len(everything)
    expected = Sketch.of(SECONDS, everything)
    assert window.sketch("request_duration_seconds").bins.tolist() == expected.bins.tolist()
