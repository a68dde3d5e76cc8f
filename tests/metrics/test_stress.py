"""Workers are killed and restarted under load while a reader scrapes without pause."""

import mmap
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.sketch import Sketch

WRITER = Path(__file__).parent / "stress_writer.py"
WORKERS = 3
KILLS = 24
RECORDED_BETWEEN_KILLS = 200


class Writers:
    """The workers' processes, and the books that they keep of what they record."""

    def __init__(self, *, state_dir: Path, books: Path) -> None:
        self._arguments = [sys.executable, str(WRITER), str(state_dir), str(books)]
        books.write_bytes(bytes(16 * WORKERS))
        with books.open("r+b") as file:
            self._words = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")
        self._processes = [self._start(index) for index in range(WORKERS)]
        self._seen = [0] * WORKERS
        self.kills = [0] * WORKERS

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self._arguments, str(index)])

    def begun(self) -> list[int]:
        return self._words[::2].tolist()

    def recorded(self) -> list[int]:
        return self._words[1::2].tolist()

    def kill_and_restart_one(self) -> None:
        """``kill -9`` for whoever has been at work longest since its last death, if any has."""
        for process in self._processes:
            assert process.poll() is None, "a writer ended by itself"
        work = [now - then for now, then in zip(self.recorded(), self._seen, strict=True)]
        index = max(range(WORKERS), key=work.__getitem__)
        if work[index] >= RECORDED_BETWEEN_KILLS:
            self._kill(index)
            self._seen[index] = self.recorded()[index]
            self.kills[index] += 1
            self._processes[index] = self._start(index)

    def _kill(self, index: int) -> None:
        self._processes[index].send_signal(signal.SIGKILL)
        self._processes[index].wait()

    def close(self) -> None:
        for index in range(WORKERS):
            self._kill(index)


@pytest.fixture
def writers(state, tmp_path):
    writers = Writers(state_dir=state.directory, books=tmp_path / "books")
    yield writers
    writers.close()


def flatten(snapshot) -> dict[tuple[str, ...], float]:
    """Everything in a snapshot that must never fall."""
    values = {}
    for metric, series in snapshot.series.items():
        for labels, value in series.items():
            if isinstance(value, Sketch):
                values[metric, "count", *labels] = value.count
                values[metric, "sum", *labels] = value.sum
                values[metric, "max", *labels] = value.max
            else:
                values[metric, *labels] = value
    return values


@pytest.mark.stress
def test_kills_under_load_lose_nothing_and_no_counter_falls(state, writers):
    """At every scrape each worker's count lies between what it had recorded and what it had begun.

    In the end that is exact to the requests in flight, one for each kill at most.
    """
    seen: dict[tuple[str, ...], float] = {}
    reads, falls = 0, []
    while sum(writers.kills) < KILLS:
        low = writers.recorded()
        snapshot = state.read()
        high = writers.begun()
        values = flatten(snapshot)
        falls += [
            (key, was, values.get(key)) for key, was in seen.items() if values.get(key, 0) < was
        ]
        by_group = snapshot.by("requests_total", "model_group") if snapshot.series else {}
        counts = [by_group.get(f"w{index}", 0) for index in range(WORKERS)]
        assert all(a <= b <= c for a, b, c in zip(low, counts, high, strict=True)), (low, counts)
        seen, reads = values, reads + 1
        writers.kill_and_restart_one()
    writers.close()
    fleet.prepare(state.directory)
    snapshot = state.read()

    final = flatten(snapshot)
    falls += [(key, was, final.get(key)) for key, was in seen.items() if final.get(key, 0) < was]
    assert [] == falls
    assert ["base"] == state.names()
    for index in range(WORKERS):
        group, recorded, begun = f"w{index}", writers.recorded()[index], writers.begun()[index]
        in_flight = begun - recorded
        assert in_flight <= writers.kills[index] + 1
        assert recorded <= snapshot.total("requests_total", model_group=group) <= begun
        sketch = snapshot.sketch("request_duration_seconds", model_group=group)
        assert recorded <= sketch.count <= begun
    assert reads > KILLS
    assert 0 == snapshot.damaged_files
    assert os.path.getsize(state.directory / "base") > 0
