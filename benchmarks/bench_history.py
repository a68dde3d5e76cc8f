"""Windows out of a generated history database, and how large it is.

Budget, two shared cores, 50 busy series: 24 h in steps of 1 min 400 ms; 15 min 15 ms; 20 kB of file
per busy series and hour of minute rows. Times are those of reading and laying out.
"""

import numpy as np
import pytest

from litellm_obs_plugin.history import roster
from litellm_obs_plugin.history.archive import Archive
from litellm_obs_plugin.history.database import FILE, open_file
from litellm_obs_plugin.history.frame import Frame
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S
from litellm_obs_plugin.history.rollup import to_columns
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot

END = 1_750_032_000
HOURS = 24
SKETCHES = 25  # and as many counters
METRICS = ("request_duration_seconds", "requests_total")


def make_increase(chance, *, requests):
    """What one step counted in every series."""
    sketches, counters = {}, {}
    for number in range(SKETCHES):
        values = chance.lognormal(0.0, 0.6, requests).tolist()
        sketches[(f"m{number}", "false", "success")] = Sketch.of(SECONDS, values)
        counters[(f"m{number}", "chat", "false", "success")] = float(requests)
    series = dict(zip(METRICS, (sketches, counters), strict=True))
    return Snapshot(started_at=0.0, taken_at=1.0, series=series)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A day of minute rows and two hours of ten-second rows, sixty requests a minute each."""
    made = tmp_path_factory.mktemp("history")
    store, chance = Store(open_file(made)), np.random.default_rng(5)
    for step_s, seconds, requests in ((MINUTE_S, HOURS * HOUR_S, 60), (STEP_S, 2 * HOUR_S, 10)):
        increases = [make_increase(chance, requests=requests) for _ in range(20)]
        for t in range(END - seconds, END, step_s):
            with store.writing() as connection:
                store.add(
                    connection,
                    roster.join(connection, name="one", host="here", now=END),
                    step_s=step_s,
                    columns=to_columns(increases[t // step_s % 20], t=t),
                    intervals=[Interval(t=t, covered_s=step_s, workers=1)],
                    ready=t + step_s,
                    now=END,
                )
        if step_s == MINUTE_S:
            with store._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            (made / "size").write_text(str((made / FILE).stat().st_size))
    store.close()
    return made


@pytest.fixture
def archive(directory):
    store = Store(open_file(directory, checked=False))
    yield Archive(store=store, name="one")
    store.close()


def show(archive, *, window_s, step_s):
    live = Snapshot(started_at=float(END), taken_at=float(END), series={})
    past = archive.read(start=END - window_s, end=END, live=live, step_s=step_s, metrics=METRICS)
    frame = Frame.lay_out(
        past.columns, past.intervals, start=past.start, end=past.end, step_s=past.fit_s
    )
    frame.quantiles("request_duration_seconds", (0.5, 0.95, 0.99))
    return frame.total("requests_total")


@pytest.mark.benchmark(group="budget 400 ms")
def test_a_day_in_minutes(benchmark, archive):
    found = benchmark.pedantic(
        show, args=(archive,), kwargs={"window_s": HOURS * HOUR_S, "step_s": 60}, rounds=5
    )
    assert len(found) == 1440
    assert found.sum() == HOURS * 60 * 60 * SKETCHES


@pytest.mark.benchmark(group="budget 15 ms")
def test_fifteen_minutes(benchmark, archive):
    found = benchmark.pedantic(
        show, args=(archive,), kwargs={"window_s": 900, "step_s": 900}, rounds=15
    )
    assert found.sum() == 15 * 60 * SKETCHES


@pytest.mark.benchmark(group="budget 20 kB")
def test_file_of_a_busy_series_hour(benchmark, directory):
    size = benchmark(lambda: int((directory / "size").read_text()))
    benchmark.extra_info["measured"] = size / 1000 / (2 * SKETCHES * HOURS)
    assert benchmark.extra_info["measured"] <= 20
