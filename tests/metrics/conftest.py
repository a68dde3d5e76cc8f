"""Requests to record, and state directories with workers in them."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.metrics.worker_file import WorkerFile
from litellm_obs_plugin.record import (
    Attempt,
    Cost,
    CostStatus,
    Deployment,
    Operation,
    Outcome,
    Request,
    TimeToFirstToken,
    Tokens,
)

settings.register_profile("metrics", deadline=None, max_examples=60)
settings.load_profile("metrics")

NOW = 1_750_000_000.0


def _make_request(
    *,
    group: str = "chat",
    duration_s: float | None = 1.5,
    cost_usd: float = 0.001,
    call_id: str = "call-1",
    trace_id: str | None = "ab" * 16,
    received_at: float = NOW,
) -> Request:
    """A streamed chat that one attempt answered."""
    attempt = Attempt(
        deployment=Deployment(id="d-1", model_group=group, model=group, provider="openai"),
        started_at=received_at + 0.01,
        duration_s=duration_s and duration_s * 0.9,
        outcome=Outcome.SUCCESS,
        ttft=TimeToFirstToken(value_s=0.2),
        tokens=Tokens(input=100, cached_input=10, output=50),
        cost=Cost(
            status=CostStatus.PRICED,
            total_usd=cost_usd,
            components_usd={"input": cost_usd / 4, "output": cost_usd * 3 / 4},
        ),
    )
    return Request(
        call_id=call_id,
        received_at=received_at,
        duration_s=duration_s,
        operation=Operation.CHAT,
        stream=True,
        model_group=group,
        outcome=Outcome.SUCCESS,
        attempts=(attempt,),
        trace_id=trace_id,
    )


class State:
    """A state directory, its workers and one reader that lives as long."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: list[WorkerFile] = []
        fleet.prepare(directory)
        self.fleet = Fleet(directory, clock=lambda: NOW, pause=lambda: None)

    def worker(self, **options) -> Recorder:
        """A recorder with a file of its own."""
        self.files.append(WorkerFile.create(directory=self.directory, started_at=NOW - 60))
        return Recorder(self.files[-1], **options)

    def kill_all(self) -> None:
        """To readers a closed file is that of a dead worker: its lock is gone."""
        while self.files:
            self.files.pop().close()

    def read(self) -> Snapshot:
        return self.fleet.read()

    def close(self) -> None:
        self.kill_all()
        self.fleet.close()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir() if path.name != "lock")


@contextmanager
def _new_state() -> Iterator[State]:
    with tempfile.TemporaryDirectory() as parent:
        state = State(Path(parent) / "state")
        try:
            yield state
        finally:
            state.close()


@pytest.fixture
def state() -> Iterator[State]:
    with _new_state() as state:
        yield state


@pytest.fixture(scope="session")
def new_state():
    """A context manager; for laws, whose examples need a directory each."""
    return _new_state


@pytest.fixture(scope="session")
def make_request() -> Callable[..., Request]:
    return _make_request


def _totals(snapshot: Snapshot) -> dict[str, tuple[float, ...]]:
    """For each metric what must never change unless something is recorded."""
    totals: dict[str, tuple[float, ...]] = {}
    for metric in snapshot.series:
        sketch = snapshot.sketch(metric)
        if sketch is None:
            totals[metric] = (snapshot.total(metric),)
        else:
            totals[metric] = (*sketch.array[:3].tolist(), *sketch.bins.tolist(), sketch.sum)
    return totals


@pytest.fixture(scope="session")
def totals() -> Callable[[Snapshot], dict[str, tuple[float, ...]]]:
    return _totals
