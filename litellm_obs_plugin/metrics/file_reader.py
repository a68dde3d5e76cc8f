"""Reading a worker file while its worker writes: no lock, no copy of the names on each read."""

import errno
import fcntl
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.cells import Cells, add_cells
from litellm_obs_plugin.metrics.layout import Block, BlockKind
from litellm_obs_plugin.metrics.sketch import Sketch

Number = tuple[float, float]  # a value, and what it rounds off
Raw = Number | Sketch

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_MAX_COUNT = 1 << 48
_MAX_SUM = 1e300
_NOT_OURS = frozenset({errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENXIO})


def open_regular(path: Path) -> int:
    """A descriptor to read *path* with.

    Raises:
        layout.FormatError: it is a link, a pipe, a directory, or not ours to read.
        OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in _NOT_OURS:
            msg = f"expected a file of our own: {error.strerror}"
            raise layout.FormatError(msg) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        msg = "expected a regular file"
        raise layout.FormatError(msg)
    return descriptor


def is_alive(path: Path) -> bool:
    """Whether the worker that owns *path* still lives (holds its lock).

    Raises:
        layout.FormatError, OSError: as :func:`open_regular`.
    """
    descriptor = open_regular(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_checked(reader: "FileReader") -> Iterator[tuple[Block, Raw]]:
    """Every series of a file that nobody writes any more, gauges too.

    Raises:
        layout.FormatError: the file is damaged.
    """
    for block in reader.blocks():
        raw = reader.value(block)
        check_value(block, raw)
        yield block, raw


class FileReader:
    """One file, mapped read-only. The block index grows with the file and is kept between reads.

    Raises (every method):
        layout.FormatError: the file is damaged or of another format.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._blocks: list[Block] = []
        self._parsed = layout.HEADER_BYTES
        self._size = 0
        self._descriptor = open_regular(path)
        try:
            self._map()
            self.header = layout.read_header(self._memory)
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def identity(self) -> tuple[int, int]:
        """What no other file has while this reader is open."""
        status = os.fstat(self._descriptor)
        return status.st_dev, status.st_ino

    def close(self) -> None:
        os.close(self._descriptor)
        del self._cells
        self._memory.close()

    def blocks(self) -> list[Block]:
        """Every series that is published by now."""
        used = int(self._cells[layout.USED_CELL])  # once: it may grow while we look
        if used > self._size or os.fstat(self._descriptor).st_size < self._size:
            self._map()
        if not self._parsed <= used <= self._size:
            msg = f"expected {self._parsed} to {self._size} bytes in use, got {used}"
            raise layout.FormatError(msg)
        if used > self._parsed:
            self._blocks += list(layout.read_blocks(self._memory, self._parsed, used))
            self._parsed = used
        return self._blocks

    def value(self, block: Block) -> Raw:
        """A private copy of one series' state."""
        if block.domain is None:
            return self.number(block)
        return Sketch.frozen(block.domain, add_cells(block.domain, [self.cells(block)]))

    def number(self, block: Block) -> Number:
        """A counter's or gauge's value."""
        number, rest = self._cells[block.start : block.start + 2].view(np.float64).tolist()
        return number, rest

    def cells(self, block: Block) -> Cells:
        """A sketch's words in the file itself: they change while its worker lives."""
        return self._cells[block.start : block.start + block.cells]

    def exemplars(self, block: Block) -> bytes:
        """A copy of what :func:`exemplar.decode` takes; empty when there is nothing."""
        start = block.start + block.cells
        return self._cells[start : start + block.exemplar_cells].tobytes()

    def body(self) -> bytes:
        """A copy of everything behind the header."""
        return self._memory[layout.HEADER_BYTES : self.header.used]

    def _map(self) -> None:
        size = os.fstat(self._descriptor).st_size
        if size < max(layout.HEADER_BYTES, self._size):
            msg = f"expected at least {max(layout.HEADER_BYTES, self._size)} bytes, got {size}"
            raise layout.FormatError(msg)
        self._memory = mmap.mmap(self._descriptor, size, access=mmap.ACCESS_READ)
        self._cells = np.frombuffer(self._memory, dtype=np.int64, count=size // layout.WORD)
        self._size = size


def check_value(block: Block, raw: Raw) -> None:
    """Refuse what no worker writes.

    Raises:
        layout.FormatError: a count or sum is negative, not finite, or so large that adding
            several would leave the range of its type.
    """
    if isinstance(raw, Sketch):
        counts = raw.array[:3], raw.bins
        are_counts = all(0 <= part.min() and part.max() <= _MAX_COUNT for part in counts)
        sound = are_counts and 0 <= raw.sum < _MAX_SUM
    else:
        sound = abs(sum(raw)) < _MAX_SUM and (block.kind is BlockKind.GAUGE or raw[0] >= 0)
    if not sound:
        msg = f"{block.name.metric}: not a count"
        raise layout.FormatError(msg)
