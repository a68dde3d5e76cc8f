"""On the request path: memory only. No I/O, nothing awaited that waits, no lock a scrape holds."""

from __future__ import annotations

import asyncio
import copy
import gc
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest

from litellm_obs_plugin import plugin
from litellm_obs_plugin.host.payload import call_id_of
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.settings import Settings
from tests.host.recording import SCENARIOS, Hook, play, read_recording
from tests.untraced import untraced

_IO = ("open", "os.", "socket.", "subprocess.", "shutil.", "sqlite3.", "fcntl.", "mmap.", "time.")
_watching = threading.local()


def _note(event: str, _: object) -> None:
    seen = getattr(_watching, "seen", None)
    if seen is not None and event.startswith(_IO):
        seen.append(event)


sys.addaudithook(_note)  # cannot be taken back; it looks only where told


@contextmanager
def watched() -> Iterator[list[str]]:
    """The I/O that this thread does."""
    _watching.seen = []
    try:
        yield _watching.seen
    finally:
        _watching.seen = None


@pytest.fixture
def built(tmp_path):
    one = plugin.build(Settings(state_dir=tmp_path / "state"))
    yield one
    one.close()


def again(hooks: list[Hook], suffix: str) -> list[Hook]:
    """The same request under another call id."""
    changed = []
    for hook in hooks:
        event = copy.deepcopy(hook.event)
        call_id = call_id_of(event)
        if call_id is not None:
            event["litellm_call_id"] = call_id + suffix
        changed.append(replace(hook, event=event))
    return changed


def finish_at_once(callback, hooks) -> None:
    """Run the hooks as one step: a coroutine that waits for anything would hand over here."""
    with pytest.raises(StopIteration):
        play(callback, hooks).send(None)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_hook_waits_or_does_io(built, scenario):
    """The first time new series are placed; from then on a request is memory."""
    hooks = read_recording(scenario)
    finish_at_once(built.callback, hooks)

    with watched() as seen:
        finish_at_once(built.callback, again(hooks, "-again"))

    assert [] == seen


def test_the_watch_sees_io(tmp_path):
    with watched() as seen:
        (tmp_path / "file").write_text("x")

    assert seen


class CountingDict(dict):
    """Counts look-ups into itself and what it holds, in one list."""

    def __init__(self, values, seen):
        super().__init__({k: counting(v, seen) for k, v in values.items()})
        self.seen = seen

    def get(self, key, default=None):
        self.seen.append(key)
        return super().get(key, default)

    def __getitem__(self, key):
        self.seen.append(key)
        return super().__getitem__(key)

    def __contains__(self, key):
        self.seen.append(key)
        return super().__contains__(key)


def counting(value, seen):
    if isinstance(value, dict):
        return CountingDict(value, seen)
    return [counting(v, seen) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("scenario", ["chat", "stream"])
def test_look_ups_into_the_hosts_dictionaries(built, scenario):
    """A guard that no clock can blur: every look-up beyond these is paid by each request."""
    seen: list[object] = []
    hooks = [replace(h, event=counting(h.event, seen)) for h in read_recording(scenario)]

    finish_at_once(built.callback, hooks)

    assert 20 < len(seen) <= 80


def memory_of(built, rounds: list[list[Hook]]) -> tuple[float, int]:
    """(bytes that stay after each, bytes at once in the middle of them).

    Without the tracer of a coverage run, which needs memory of its own for each call.
    """
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        peaks = []
        for hooks in rounds:
            at, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            finish_at_once(built.callback, hooks)
            peaks.append(tracemalloc.get_traced_memory()[1] - at)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / len(rounds), sorted(peaks)[len(rounds) // 2]


def test_a_request_leaves_little_behind(built):
    """What stays is bounded by the tracker, the answers and the ledger, and freed from there.

    Other threads of this process are traced as well, so the quietest of three runs counts.
    """
    template = read_recording("chat")
    rounds = [again(template, f"-{n}") for n in range(650)]
    for hooks in rounds[:50]:
        finish_at_once(built.callback, hooks)

    with untraced():
        measured = [memory_of(built, rounds[start : start + 200]) for start in (50, 250, 450)]

    assert min(stays for stays, _ in measured) <= 2_000, measured
    assert min(peak for _, peak in measured) <= 7_200, measured


def test_a_scrape_that_hangs_holds_no_hook_up(built):
    """The plugin's own readers stop in the middle; requests are recorded all the same."""
    hooks = read_recording("chat")
    finish_at_once(built.callback, hooks)
    in_the_middle, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        in_the_middle.set()
        assert go_on.wait(30)

    readers = [one for one in gc.get_objects() if isinstance(one, Fleet)]
    own = [one for one in readers if one.directory == built.state_dir]
    assert own, "a plugin has readers"
    for reader in own:
        reader._pause = hang
    view = partial(built.reader.view, "a scrape", len)
    scrape = threading.Thread(target=lambda: asyncio.run(view()))
    scrape.start()
    try:
        assert in_the_middle.wait(10)
        recording = threading.Thread(
            target=finish_at_once, args=(built.callback, again(hooks, "-during"))
        )
        recording.start()
        recording.join(10)
        assert not recording.is_alive()
    finally:
        go_on.set()
        scrape.join()
