"""The bytes of a worker file: a header, then blocks that are only ever appended.

A block is one series: its name as JSON, then its cells. The header's *used* cell is moved on after
a block is whole, so a reader in another process never sees half a series. All words are 8 bytes,
in the machine's own order: a worker file never leaves its host.

    header  magic · format · used · started_at · checksum · reserved, 4,096 bytes
    block   bytes · kind · name bytes · low key · high key · exemplar words · name, padded · cells

Only a base has a checksum, of all that follows the header: it is written once and whole.
"""

import json
import math
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from litellm_obs_plugin.metrics.mapping import Domain

MAGIC = b"LLMOBS\x00\x01"
FORMAT = 1
HEADER_BYTES = 4096
WORD = 8

_HEADER = struct.Struct("=8sqqdq")
USED_CELL = 2
_BLOCK = struct.Struct("=qqqqqq")

VALUE_CELLS = 2  # a number, and in a base what it rounds off
FOLDED = "folded"


class BlockKind(IntEnum):
    """What a block's cells are."""

    COUNTER = 1
    GAUGE = 2
    SKETCH = 3
    FOLDED = 4  # in a base: its label is the name of a file whose counts the base holds


class FormatError(ValueError):
    """The file is not a worker file of this format."""


class SeriesName(NamedTuple):
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
    exemplar_cells: int = 0  # behind *cells*
    domain: Domain | None = None


class Header(NamedTuple):
    """*used* is how many bytes hold blocks, the header among them."""

    used: int
    started_at: float
    checksum: int


def encode_header(started_at: float, *, used: int = HEADER_BYTES, checksum: int = 0) -> bytes:
    """The first bytes of a file."""
    return _HEADER.pack(MAGIC, FORMAT, used, started_at, checksum)


def read_header(data: mmap.mmap | bytes) -> Header:
    """The header of a file.

    Raises:
        FormatError: it is too short, of another format, or claims more than it holds.
    """
    if len(data) < HEADER_BYTES:
        msg = f"expected at least {HEADER_BYTES} bytes, got {len(data)}"
        raise FormatError(msg)
    magic, version, used, started_at, checksum = _HEADER.unpack_from(data)
    if magic != MAGIC or version != FORMAT or not math.isfinite(started_at):
        msg = f"expected format {FORMAT}, got {magic!r} format {version} of {started_at}"
        raise FormatError(msg)
    if not HEADER_BYTES <= used <= len(data) or used % WORD:
        msg = f"expected {HEADER_BYTES} to {len(data)} bytes in use, got {used}"
        raise FormatError(msg)
    return Header(used, started_at, checksum)


def encode_block(
    name: SeriesName, kind: BlockKind, domain: Domain | None, *, exemplar_cells: int = 0
) -> tuple[bytes, int]:
    """The head of a block for a series, and the number of its cells."""
    text = json.dumps([name.metric, list(name.labels)]).encode()
    padded = text.ljust(-(-len(text) // WORD) * WORD)
    cells = _cells(kind, domain)
    low, high = (domain.low_key, domain.high_key) if domain is not None else (0, 0)
    size = _BLOCK.size + len(padded) + (cells + exemplar_cells) * WORD
    return _BLOCK.pack(size, kind, len(padded), low, high, exemplar_cells) + padded, cells


def read_blocks(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[Block]:
    """The blocks between two byte offsets.

    Raises:
        FormatError: the bytes there are not blocks.
    """
    offset = start
    while offset < end:
        try:
            block, size = _read_block(data, offset)
        except (ValueError, TypeError, RecursionError, struct.error) as error:
            msg = f"block at {offset}: {error}"
            raise FormatError(msg) from error
        if offset + size > end:
            msg = f"block at {offset}: {size} bytes reach past {end}"
            raise FormatError(msg)
        yield block
        offset += size


def _read_block(data: mmap.mmap | bytes, offset: int) -> tuple[Block, int]:
    size, number, name_bytes, low, high, exemplar_cells = _BLOCK.unpack_from(data, offset)
    kind, at = BlockKind(number), offset + _BLOCK.size
    domain = _domain(low, high) if kind is BlockKind.SKETCH else None
    cells = _cells(kind, domain)
    shape_is_sound = low <= high and exemplar_cells >= 0 and name_bytes >= 0
    if not shape_is_sound or size != _BLOCK.size + name_bytes + (cells + exemplar_cells) * WORD:
        msg = f"{size} bytes do not hold a name of {name_bytes} and {cells} cells"
        raise FormatError(msg)
    metric, labels = json.loads(data[at : at + name_bytes])
    block = Block(
        name=SeriesName(str(metric), tuple(map(str, labels))),
        kind=kind,
        start=(at + name_bytes) // WORD,
        cells=cells,
        exemplar_cells=exemplar_cells,
        domain=domain,
    )
    return block, size


def _cells(kind: BlockKind, domain: Domain | None) -> int:
    if domain is not None:
        return domain.cells
    return 0 if kind is BlockKind.FOLDED else VALUE_CELLS


@lru_cache(maxsize=64)
def _domain(low_key: int, high_key: int) -> Domain:
    """One object for each domain, because comparing them one by one takes time."""
    return Domain(low_key=low_key, high_key=high_key)
