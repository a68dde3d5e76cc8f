"""One memory-mapped file per worker: the worker writes memory, any process reads it.

The file is locked (flock) as long as its worker lives: the lock is the liveness test. Nothing is
flushed: what is in the page cache survives the worker's death, also ``kill -9``, though not a power
failure.
"""

import fcntl
import math
import os
import threading
import uuid
import weakref
from enum import Enum, auto
from pathlib import Path

from litellm_obs_plugin.metrics import exemplar, layout
from litellm_obs_plugin.metrics.arena import INITIAL_BYTES, Allocate, Arena, Place, allocate_space
from litellm_obs_plugin.metrics.exemplar import MarkedSketch
from litellm_obs_plugin.metrics.layout import BlockKind, SeriesName
from litellm_obs_plugin.metrics.mapping import MAX, MIN, Domain
from litellm_obs_plugin.metrics.number import Counter, Gauge
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.state_dir import locked

SUFFIX = ".worker"
NEW_SUFFIX = ".new"
_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


class FileState(Enum):
    """Whether this process may write."""

    OPEN = auto()
    CLOSED = auto()
    DISOWNED = auto()  # we are a fork of the process whose file this is


class WorkerFile:
    """The state of this worker. Writers hold :attr:`lock`; readers use their own mapping.

    A forked child must not write to its parent's file, nor keep its lock: there the file becomes
    *disowned*, and :meth:`renewed` makes the child's own.
    """

    def __init__(
        self, *, path: Path, started_at: float, descriptors: tuple[int, int], arena: Arena
    ) -> None:
        """Use :meth:`create`. The mapping duplicates its descriptor, so that bears no lock."""
        self.path = path
        self.state = FileState.OPEN
        self.lock = threading.RLock()
        self._started_at = started_at
        self._descriptors = descriptors  # of the lock, of the mapping
        self._arena = arena
        _files.add(self)

    @classmethod
    def create(
        cls, *, directory: Path, started_at: float, allocate: Allocate = allocate_space
    ) -> "WorkerFile":
        """A new, locked, empty file in *directory*.

        Raises:
            OSError: the directory cannot be written, or its disk is full.
        """
        name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        temporary, path = directory / (name + NEW_SUFFIX), directory / (name + SUFFIX)
        lock_descriptor = descriptor = -1
        with locked(directory):  # so that a file which is not yet locked is not taken for stale
            try:
                lock_descriptor = os.open(temporary, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
                fcntl.flock(lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                descriptor = os.open(temporary, _FLAGS)
                allocate(descriptor, 0, INITIAL_BYTES)
                os.pwrite(descriptor, layout.encode_header(started_at), 0)
                arena = Arena(descriptor=descriptor, allocate=allocate)
                temporary.rename(path)  # only now, locked and whole, can others see it
            except BaseException:
                _close(lock_descriptor, descriptor)
                temporary.unlink(missing_ok=True)
                raise
        descriptors = (lock_descriptor, descriptor)
        return cls(path=path, started_at=started_at, descriptors=descriptors, arena=arena)

    def renewed(self) -> "WorkerFile":
        """A new file for this process, in the same directory.

        Raises:
            OSError: as :meth:`create`.
        """
        return WorkerFile.create(directory=self.path.parent, started_at=self._started_at)

    def counter(self, name: SeriesName) -> Counter:
        return Counter(self._append(name, BlockKind.COUNTER).floats)

    def gauge(self, name: SeriesName) -> Gauge:
        return Gauge(self._append(name, BlockKind.GAUGE).floats)

    def sketch(self, name: SeriesName, domain: Domain) -> Sketch:
        place = self._append(name, BlockKind.SKETCH, domain)
        return Sketch(domain, place.cells, place.floats)

    def marked_sketch(self, name: SeriesName, domain: Domain) -> MarkedSketch:
        """A sketch with room for exemplars."""
        place = self._append(name, BlockKind.SKETCH, domain, exemplar_cells=exemplar.CELLS)
        return MarkedSketch(Sketch(domain, place.cells, place.floats), place.behind)

    def close(self) -> None:
        """Give up the lock. The file stays, and the next worker folds it into the base."""
        with self.lock:
            if self.state is FileState.OPEN:
                self.state = FileState.CLOSED
                fcntl.flock(self._descriptors[0], fcntl.LOCK_UN)
                _close(*self._descriptors)

    def disown(self) -> None:
        """In a forked child: let go of the parent's lock without releasing it for the parent."""
        self.lock = threading.RLock()  # a thread that is not here may have held the old one
        if self.state is FileState.OPEN:
            self.state = FileState.DISOWNED
            _close(*self._descriptors)

    def _append(
        self,
        name: SeriesName,
        kind: BlockKind,
        domain: Domain | None = None,
        *,
        exemplar_cells: int = 0,
    ) -> Place:
        head, cells = layout.encode_block(name, kind, domain, exemplar_cells=exemplar_cells)
        fill = {} if domain is None else {MIN: math.inf, MAX: -math.inf}
        return self._arena.append(head, cells=cells, exemplar_cells=exemplar_cells, fill=fill)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)


_files: "weakref.WeakSet[WorkerFile]" = weakref.WeakSet()


def _disown_all() -> None:
    for file in _files:
        file.disown()


os.register_at_fork(after_in_child=_disown_all)
