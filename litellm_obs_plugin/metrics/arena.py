"""The mapped memory of a worker file: blocks are appended, space is reserved before it is used.

Writing to a mapped page that the disk has no room for kills the process (SIGBUS), so growth asks
the file system first and refuses the series when it says no.
"""

import logging
import mmap
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from litellm_obs_plugin.metrics import layout

log = logging.getLogger(__name__)

INITIAL_BYTES = 1 << 20
RETRY_EVERY = 1024  # asking a full disk again is slow, so only each so many blocks

Allocate = Callable[[int, int, int], None]


class StateFullError(OSError):
    """There is no room for another series."""


class Place(NamedTuple):
    """A block's words: *cells* and *floats* are the same memory, *behind* follows it as bytes."""

    cells: Any
    floats: Any
    behind: Any


class Arena:
    """The blocks of one file that this process writes. Not thread-safe."""

    def __init__(self, *, descriptor: int, allocate: Allocate) -> None:
        self._descriptor = descriptor
        self._allocate = allocate
        self._used = layout.HEADER_BYTES
        self._size = os.fstat(descriptor).st_size
        self._map(0, self._size)
        self._header = self._cells
        self._refusals_left = 0

    def append(
        self, head: bytes, *, cells: int, exemplar_cells: int, fill: dict[int, float]
    ) -> Place:
        """A new block: *head*, then zeroed cells but for the floats in *fill*.

        Raises:
            StateFullError: there is no room.
        """
        end = self._used + len(head) + (cells + exemplar_cells) * layout.WORD
        if end > self._size:
            self._grow(end)
        at = self._used - self._start
        first, behind = at + len(head), at + len(head) + cells * layout.WORD
        self._bytes[at:first] = head
        words = slice(first // layout.WORD, behind // layout.WORD)
        rest = self._bytes[behind : behind + exemplar_cells * layout.WORD]
        place = Place(self._cells[words], self._floats[words], rest)
        for cell, value in fill.items():
            place.floats[cell] = value
        self._used = end
        self._header[layout.USED_CELL] = end  # publishes the block
        return place

    def _grow(self, needed: int) -> None:
        if self._refusals_left:
            self._refusals_left -= 1
            raise StateFullError
        step = max(INITIAL_BYTES, self._size // 4, needed - self._size)
        size = -(-(self._size + step) // mmap.PAGESIZE) * mmap.PAGESIZE
        try:
            self._allocate(self._descriptor, self._size, size - self._size)
            # A mapping of its own for the new part: earlier blocks stay where they are.
            self._map(self._used - self._used % mmap.ALLOCATIONGRANULARITY, size)
        except OSError as error:
            self._refusals_left = RETRY_EVERY
            log.warning("litellm_obs: no room for new series in state_dir: %s", error)
            raise StateFullError(*error.args) from error
        self._size = size

    def _map(self, start: int, end: int) -> None:
        self._bytes = memoryview(mmap.mmap(self._descriptor, end - start, offset=start))
        self._cells = self._bytes.cast("q")
        self._floats = self._bytes.cast("d")
        self._start = start


def allocate_space(descriptor: int, offset: int, size: int) -> None:
    """Reserve *size* bytes of the file at *offset*, zeroed.

    Raises:
        OSError: the disk is full, or a quota or limit is reached.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, offset, size)
    else:  # macOS
        os.pwrite(descriptor, bytes(size), offset)
