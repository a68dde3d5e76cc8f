"""The bytes of a worker file: a header, then blocks that are only ever appended.

A block is one series: its name as JSON, then its cells. The header's *used* cell is moved on after
a block is whole, so a reader in another process never sees half a series. All words are 8 bytes,
in the machine's own order: a worker file never leaves its host.

    header  magic · format · used · started_at · reserved, 4,096 bytes
    block   bytes · kind · name bytes · low key · high key · name, padded · cells
"""

import json
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from litellm_obs_plugin.metrics.sketch import Domain

MAGIC = b"LLMOBS\x00\x01"
FORMAT = 1
HEADER_BYTES = 4096
WORD = 8

_HEADER = struct.Struct("=8sqqd")
FORMAT_CELL, USED_CELL, STARTED_CELL = 1, 2, 3
_BLOCK = struct.Struct("=qqqqq")

VALUE_CELLS = 2  # sum, compensation
FOLDED = "folded"


class BlockKind(IntEnum):
    """What a block's cells are."""

    COUNTER = 1
    GAUGE = 2
    SKETCH = 3
    FOLDED = 4  # in a base: its label is the name of a file whose counts the base holds


class FormatError(ValueError):
    """The file is not a worker file of this format."""


@dataclass(frozen=True, slots=True)
class SeriesName:
    """A metric's name and its label values in catalogue order."""

    metric: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Where one series lies: *start* and *cells* count 8-byte words from the file's start."""

    name: SeriesName
    kind: BlockKind
    start: int
    cells: int
    domain: Domain | None = None


def header(started_at: float) -> bytes:
    """The first bytes of a new file."""
    return _HEADER.pack(MAGIC, FORMAT, HEADER_BYTES, started_at)


def check_header(data: mmap.mmap | bytes) -> tuple[int, float]:
    """(bytes used, start of recording) of a file.

    Raises:
        FormatError: it is too short, of another format, or claims more than it holds.
    """
    if len(data) < HEADER_BYTES:
        msg = f"expected at least {HEADER_BYTES} bytes, got {len(data)}"
        raise FormatError(msg)
    magic, version, used, started_at = _HEADER.unpack_from(data)
    if magic != MAGIC or version != FORMAT:
        msg = f"expected format {FORMAT}, got {magic!r} format {version}"
        raise FormatError(msg)
    if not HEADER_BYTES <= used <= len(data) or used % WORD:
        msg = f"expected {HEADER_BYTES} to {len(data)} bytes in use, got {used}"
        raise FormatError(msg)
    return used, started_at


def encode_block(name: SeriesName, kind: BlockKind, domain: Domain | None) -> tuple[bytes, int]:
    """The head of a block for a series, and the number of its cells."""
    text = json.dumps([name.metric, list(name.labels)]).encode()
    padded = text.ljust(-(-len(text) // WORD) * WORD)
    cells = _cells(kind, domain)
    low, high = (domain.low_key, domain.high_key) if domain is not None else (0, 0)
    size = _BLOCK.size + len(padded) + cells * WORD
    return _BLOCK.pack(size, kind, len(padded), low, high) + padded, cells


def read_blocks(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[Block]:
    """The blocks between two byte offsets.

    Raises:
        FormatError: the bytes there are not blocks.
    """
    offset = start
    while offset < end:
        try:
            size, kind, name_bytes, low, high = _BLOCK.unpack_from(data, offset)
            at = offset + _BLOCK.size
            metric, labels = json.loads(data[at : at + name_bytes])
            domain = Domain(low_key=low, high_key=high) if kind == BlockKind.SKETCH else None
            cells = _cells(BlockKind(kind), domain)
            name = SeriesName(str(metric), tuple(str(v) for v in labels))
            if size != _BLOCK.size + name_bytes + cells * WORD or offset + size > end:
                msg = f"block at {offset}: {size} bytes do not hold {cells} cells"
                raise FormatError(msg)
            first = (at + name_bytes) // WORD
            yield Block(name=name, kind=BlockKind(kind), start=first, cells=cells, domain=domain)
        except (ValueError, TypeError, struct.error) as error:
            msg = f"block at {offset}: {error}"
            raise FormatError(msg) from error
        offset += size


def _cells(kind: BlockKind, domain: Domain | None) -> int:
    if domain is not None:
        return domain.cells
    return 0 if kind is BlockKind.FOLDED else VALUE_CELLS
