"""Reading a worker file while its worker writes: no lock, no copy of the names on each read."""

import mmap
import os
from pathlib import Path

import numpy as np

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.layout import Block, BlockKind
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Value


class FileReader:
    """One file, mapped read-only. The block index grows with the file and is kept between reads.

    Raises (every method):
        layout.FormatError: the file is damaged or of another format.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blocks: list[Block] = []
        self._parsed = layout.HEADER_BYTES
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._map()
            _, self.started_at = layout.check_header(self._memory)
        except (layout.FormatError, OSError, ValueError):
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        os.close(self._descriptor)

    def blocks(self) -> list[Block]:
        """Every series that is published by now."""
        if self._cells[layout.USED_CELL] > len(self._memory):
            self._map()
        used, _ = layout.check_header(self._memory)
        if used > self._parsed:
            self._blocks.extend(layout.read_blocks(self._memory, self._parsed, used))
            self._parsed = used
        return self._blocks

    def value(self, block: Block) -> Value:
        """A private copy of one series' state."""
        cells = self._cells[block.start : block.start + block.cells].copy()
        if block.domain is not None:
            return Sketch.frozen(block.domain, cells)
        floats = cells.view(np.float64)
        if block.kind is BlockKind.GAUGE:
            return float(floats[0])
        return float(floats[0] + floats[1])

    def _map(self) -> None:
        size = os.fstat(self._descriptor).st_size
        if size < layout.HEADER_BYTES:
            msg = f"{self.path.name}: expected at least {layout.HEADER_BYTES} bytes, got {size}"
            raise layout.FormatError(msg)
        self._memory = mmap.mmap(self._descriptor, size, access=mmap.ACCESS_READ)
        words = size // layout.WORD
        self._cells = np.frombuffer(self._memory, dtype=np.int64, count=words)
