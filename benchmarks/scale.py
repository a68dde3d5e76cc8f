"""What a fleet costs its database, its readers and its Prometheus, by the number of pods.

A real PostgreSQL; the pods are simulated: each has 25 sketches and 25 counters that counted in
every step, delivered as the proxies do, one transaction per pod and step of ten seconds. Then a
window of 15 minutes of all pods is read, and one round of tidying makes minutes of their steps.
``python benchmarks/scale.py 10 100 1000`` prints the rows of the table in ``SCALE.md``.
"""

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench_history import METRICS, SKETCHES, make_increase  # noqa: E402

from litellm_obs_plugin.exposition import protobuf  # noqa: E402
from litellm_obs_plugin.exposition.native import native_buckets  # noqa: E402
from litellm_obs_plugin.history import roster  # noqa: E402
from litellm_obs_plugin.history.archive import Archive  # noqa: E402
from litellm_obs_plugin.history.columns import Columns, join  # noqa: E402
from litellm_obs_plugin.history.database import migrate, open_file, open_shared  # noqa: E402
from litellm_obs_plugin.history.delivery import Deliverer  # noqa: E402
from litellm_obs_plugin.history.fleet_archive import FleetArchive  # noqa: E402
from litellm_obs_plugin.history.frame import Frame  # noqa: E402
from litellm_obs_plugin.history.interval import Interval  # noqa: E402
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S  # noqa: E402
from litellm_obs_plugin.history.rollup import to_columns  # noqa: E402
from litellm_obs_plugin.history.store import Store  # noqa: E402
from litellm_obs_plugin.metrics.snapshot import Snapshot  # noqa: E402
from tests.conftest import _free_port  # noqa: E402
from tests.postgres import Postgres  # noqa: E402

END = 1_750_032_000
WINDOW_S = 15 * MINUTE_S
_KEEP_S = {STEP_S: 2 * HOUR_S, MINUTE_S: 168 * HOUR_S, HOUR_S: 9600 * HOUR_S}
_SAMPLED = 100  # pods whose deliveries and tidying are timed; the rest is in proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """So many proxies that share the database behind *store*."""

    count: int
    store: Store

    def names(self) -> list[str]:
        return [f"pod-{number:04d}" for number in range(self.count)]

    def add(self, name: str, columns: Columns, times: list[int], step_s: int) -> None:
        """One delivery: rows, what they cover, and how far they have come."""
        with self.store.writing() as connection:
            self.store.add(
                connection,
                roster.join(connection, name=name, host="host", now=END),
                step_s=step_s,
                columns=columns,
                intervals=[Interval(t=t, covered_s=step_s, workers=1) for t in times],
                ready=times[-1] + step_s,
                now=END,
            )


def fill(pods: Pods, chance: np.random.Generator) -> None:
    """Minutes of the whole window, as earlier rounds of tidying left them."""
    increases = [make_increase(chance, requests=60) for _ in range(5)]
    times = list(range(END - WINDOW_S, END - MINUTE_S, MINUTE_S))
    columns = join([to_columns(increases[t // MINUTE_S % 5], t=t) for t in times])
    for name in pods.names():
        pods.add(name, columns, times, MINUTE_S)


def time_deliveries(pods: Pods, chance: np.random.Generator) -> float:
    """Milliseconds of one delivery of a step by a pod, the median of six of each."""
    took: list[float] = []
    increases = [make_increase(chance, requests=10) for _ in range(6)]
    for name in pods.names():
        for number, increase in enumerate(increases):
            t = END - MINUTE_S + number * STEP_S
            begun = time.perf_counter()
            pods.add(name, to_columns(increase, t=t), [t], STEP_S)
            took.append(1000 * (time.perf_counter() - begun))
        if len(took) >= 6 * _SAMPLED:
            break
    return statistics.median(took)


def time_window(pods: Pods, directory: Path) -> tuple[float, int]:
    """(milliseconds until a window of all pods is laid out, rows that were read)."""
    own = Store(open_file(directory))
    fleet = FleetArchive(
        own=Archive(store=own, name="reader"), shared=lambda: pods.store, name="reader", host="host"
    )
    live = Snapshot(started_at=float(END), taken_at=float(END), series={})
    took, rows = [], 0
    for _ in range(3):
        if sum(took) > 10_000:
            break
        begun = time.perf_counter()
        past = fleet.read(
            start=END - WINDOW_S, end=END, live=live, step_s=MINUTE_S, metrics=METRICS
        )
        frame = Frame.lay_out(
            past.columns, past.intervals, start=past.start, end=past.end, step_s=past.fit_s
        )
        frame.quantiles("request_duration_seconds", (0.5, 0.95, 0.99))
        frame.total("requests_total")
        took.append(1000 * (time.perf_counter() - begun))
        rows = len(past.columns.t)
    own.close()
    return statistics.median(took), rows


def time_tidying(pods: Pods, directory: Path) -> float:
    """Seconds that one round over all pods takes the one that does it."""
    local = Store(open_file(directory))
    sender = Deliverer(local=local, shared=pods.store, name="pod-0000", keep_s=_KEEP_S)
    begun = time.perf_counter()
    sender.tidy(END + MINUTE_S)
    took = time.perf_counter() - begun
    local.close()
    return took


def size_of(store: Store) -> int:
    """Bytes of the rows and their indices."""
    with store.reading() as connection:
        found = connection.execute(sa.text("SELECT pg_database_size(current_database())"))
        return int(found.scalar_one())


def measure(count: int, server: Postgres, directory: Path) -> dict[str, float]:
    """The figures of a fleet of *count* pods."""
    engine = open_shared(server.address(server.make_database()))
    migrate(engine)
    pods, chance = Pods(count=count, store=Store(engine)), np.random.default_rng(5)
    empty = size_of(pods.store)
    fill(pods, chance)
    each = (size_of(pods.store) - empty) / count / (WINDOW_S / MINUTE_S - 1) / 2 / SKETCHES
    window_ms, rows = time_window(pods, directory)
    delivery_ms = time_deliveries(pods, chance)
    tidied = min(count, _SAMPLED)
    # Pods beyond the sample have nothing to tidy, nor has anyone in a second round.
    all_s, idle_s = time_tidying(pods, directory), time_tidying(pods, directory)
    engine.dispose()
    return {
        "pods": count,
        "rows_per_s": count * 2 * SKETCHES / STEP_S,
        "delivery_ms": delivery_ms,
        "busy": count / STEP_S * delivery_ms / 1000,
        "window_ms": window_ms,
        "window_rows": rows,
        "tidy_s": idle_s + (all_s - idle_s) * count / tidied,
        "bytes_per_row": each,
    }


def scrape() -> dict[str, float]:
    """Of one pod: bytes of a protobuf scrape, and the native buckets in it."""
    chance = np.random.default_rng(5)
    snapshot = make_increase(chance, requests=5_000)
    sketches = snapshot.series["request_duration_seconds"].values()
    buckets = [len(native_buckets(s, schema=5, max_buckets=320).deltas()) for s in sketches]
    return {
        "bytes": len(protobuf.render(snapshot)),
        "series": 2 * SKETCHES,
        "buckets": sum(buckets) / len(buckets),
    }


def main(counts: list[int]) -> None:
    print("scrape of a pod:", scrape(), flush=True)
    server = Postgres(_free_port())
    try:
        for count in counts:
            with tempfile.TemporaryDirectory() as name:
                found = measure(count, server, Path(name))
            print({k: round(v, 2) for k, v in found.items()}, flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10, 100, 1000])
