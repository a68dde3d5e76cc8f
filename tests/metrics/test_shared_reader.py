from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from litellm_obs_plugin.metrics.shared_reader import SharedReader
from litellm_obs_plugin.metrics.snapshot import Snapshot


class SlowState:
    """A state whose reads wait for *go*, and are counted."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.reads = 0
        self.threads: set[str] = set()
        self.error: Exception | None = None

    def read(self) -> Snapshot:
        self.reads += 1
        self.threads.add(threading.current_thread().name)
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return Snapshot(started_at=0.0, taken_at=float(self.reads))


@pytest.fixture
def state() -> Iterator[SlowState]:
    state = SlowState()
    yield state
    state.go.set()


@pytest.fixture
def reader(state) -> Iterator[SharedReader]:
    reader = SharedReader(state.read)
    yield reader
    reader.close()


def taken_at(snapshot):
    return snapshot.taken_at


async def started(*views):
    """The views as tasks that have begun to wait."""
    tasks = [asyncio.ensure_future(view) for view in views]
    await asyncio.sleep(0)
    return tasks


async def test_callers_at_the_same_time_share_a_read(reader, state):
    tasks = await started(*(reader.view("page", taken_at) for _ in range(20)))
    state.go.set()

    assert [1.0] * 20 == await asyncio.gather(*tasks)
    assert 1 == state.reads


async def test_a_later_caller_sees_what_is_new(reader, state):
    state.go.set()

    assert 1.0 == await reader.view("page", taken_at)
    assert 2.0 == await reader.view("page", taken_at)


async def test_another_view_is_another_read(reader, state):
    """And the reads follow one another in one thread, for the state is not thread-safe."""
    tasks = await started(reader.view("page", taken_at), reader.view("json", taken_at))
    state.go.set()

    assert [1.0, 2.0] == await asyncio.gather(*tasks)
    assert 1 == len(state.threads)
    assert threading.current_thread().name not in state.threads


async def test_a_caller_who_hangs_up_does_not_cancel_the_others(reader, state):
    first, second = await started(reader.view("page", taken_at), reader.view("page", taken_at))

    first.cancel()
    await asyncio.sleep(0)
    state.go.set()

    assert 1.0 == await second
    assert (True, 1) == (first.cancelled(), state.reads)


async def test_when_all_hang_up_the_next_is_still_answered(reader, state):
    (only,) = await started(reader.view("page", taken_at))
    only.cancel()
    await asyncio.sleep(0)
    state.go.set()

    assert 1.0 <= await reader.view("page", taken_at)


async def test_an_error_reaches_all(reader, state):
    state.error = OSError("no such directory")
    tasks = await started(*(reader.view("page", taken_at) for _ in range(3)))
    state.go.set()

    told = await asyncio.gather(*tasks, return_exceptions=True)

    assert [state.error] * 3 == told


async def test_an_error_is_not_kept(reader, state):
    state.go.set()
    state.error = OSError("busy")
    with pytest.raises(OSError, match="busy"):
        await reader.view("page", taken_at)

    state.error = None

    assert 2.0 == await reader.view("page", taken_at)


async def test_what_fails_to_build_fails_its_callers(reader, state):
    state.go.set()

    with pytest.raises(ZeroDivisionError):
        await reader.view("page", lambda snapshot: 1 / 0)
