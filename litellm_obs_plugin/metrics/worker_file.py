"""One memory-mapped file per worker: the worker writes memory, any process reads it.

The file is locked (flock) as long as its worker lives: the lock is the liveness test. Nothing is
flushed: what is in the page cache survives the worker's death, also ``kill -9``, though not a power
failure.
"""

import fcntl
import math
import mmap
import os
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.layout import BlockKind, SeriesName
from litellm_obs_plugin.metrics.sketch import MAX, MIN, Domain, Sketch

SUFFIX = ".worker"
INITIAL_BYTES = 1 << 20


class Counter:
    """A float sum in two cells, compensated, so that 1e6 tiny costs add up to the cent."""

    __slots__ = ("_floats",)

    def __init__(self, cells: Any, floats: Any) -> None:
        self.attach(cells, floats)

    def attach(self, cells: Any, floats: Any) -> None:
        self._floats = floats

    def add(self, value: float) -> None:
        """Add *value*.

        Raises:
            ValueError: it is negative, infinite or NaN.
        """
        if not (math.isfinite(value) and value >= 0):
            msg = f"expected a finite number >= 0, got {value!r}"
            raise ValueError(msg)
        floats = self._floats
        old = floats[0]
        new = old + value
        floats[1] += (old - new) + value if old >= value else (value - new) + old
        floats[0] = new


class Gauge:
    """The last value set, or the sum of what was added and taken away."""

    __slots__ = ("_floats",)

    def __init__(self, cells: Any, floats: Any) -> None:
        self.attach(cells, floats)

    def attach(self, cells: Any, floats: Any) -> None:
        self._floats = floats

    def add(self, value: float) -> None:
        self._floats[0] += value

    def set(self, value: float) -> None:
        self._floats[0] = value


Slot = Counter | Gauge | Sketch
S = TypeVar("S", bound=Slot)
Extent = tuple[int, int]  # a series' cells: first word, word after the last


class WorkerFile:
    """The state of this worker. One writer thread; readers use their own mapping of the file."""

    def __init__(self, *, path: Path, descriptor: int) -> None:
        """Use :meth:`create`."""
        self.path = path
        self._descriptor = descriptor
        self._slots: list[tuple[Slot, Extent]] = []
        self._used = layout.HEADER_BYTES
        self._map(os.fstat(descriptor).st_size)

    @classmethod
    def create(cls, *, directory: Path, started_at: float) -> "WorkerFile":
        """A new, locked, empty file in *directory*. Call after fork: a lock is shared with a child.

        Raises:
            OSError: the directory cannot be written.
        """
        name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        temporary = directory / f"{name}.new"
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, INITIAL_BYTES)
            os.pwrite(descriptor, layout.header(started_at), 0)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path = directory / (name + SUFFIX)
            temporary.rename(path)  # only now, locked and whole, can others see it
        except OSError:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        return cls(path=path, descriptor=descriptor)

    def counter(self, name: SeriesName) -> Counter:
        return self._place(Counter, self._append(name, BlockKind.COUNTER, None))

    def gauge(self, name: SeriesName) -> Gauge:
        return self._place(Gauge, self._append(name, BlockKind.GAUGE, None))

    def sketch(self, name: SeriesName, domain: Domain) -> Sketch:
        extent = self._append(name, BlockKind.SKETCH, domain)
        return self._place(partial(Sketch, domain), extent)

    def close(self) -> None:
        """Give up the lock. The file stays, and the next worker folds it into the base."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # the mapping keeps a duplicate open
        os.close(self._descriptor)

    def _place(self, build: Callable[[Any, Any], S], extent: Extent) -> S:
        slot = build(*self._views(extent))
        self._slots.append((slot, extent))
        return slot

    def _append(self, name: SeriesName, kind: BlockKind, domain: Domain | None) -> Extent:
        head, cells = layout.encode_block(name, kind, domain)
        end = self._used + len(head) + cells * layout.WORD
        if end > len(self._memory):
            self._grow(end)
        self._memory[self._used : self._used + len(head)] = head
        first = (self._used + len(head)) // layout.WORD
        if domain is not None:
            self._floats[first + MIN] = math.inf
            self._floats[first + MAX] = -math.inf
        self._used = end
        self._cells[layout.USED_CELL] = end  # publishes the block
        return first, first + cells

    def _views(self, extent: Extent) -> tuple[Any, Any]:
        span = slice(*extent)
        return self._cells[span], self._floats[span]

    def _grow(self, needed: int) -> None:
        size = len(self._memory)
        while size < needed:
            size *= 2
        os.ftruncate(self._descriptor, size)
        self._map(size)
        for slot, extent in self._slots:
            slot.attach(*self._views(extent))

    def _map(self, size: int) -> None:
        self._memory = mmap.mmap(self._descriptor, size)
        view = memoryview(self._memory)
        self._cells = view.cast("q")
        self._floats = view.cast("d")
