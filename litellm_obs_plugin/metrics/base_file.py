"""The base: what workers that are gone have counted, in one file that is only ever replaced whole."""

import os
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.file_reader import FileReader
from litellm_obs_plugin.metrics.layout import BlockKind, SeriesName
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Value

NAME = "base"
TEMPORARY = "base.new"

RawSeries = dict[SeriesName, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Folded counts, and the names of the files that are in them."""

    started_at: float | None = None
    series: RawSeries = field(default_factory=dict)
    folded: frozenset[str] = frozenset()


def read_base(directory: Path) -> Base:
    """The base in *directory*; an empty one when there is none yet.

    Raises:
        layout.FormatError: it is damaged or of another format.
    """
    try:
        reader = FileReader(directory / NAME)
    except FileNotFoundError:
        return Base()
    try:
        blocks = reader.blocks()
        return Base(
            started_at=reader.started_at,
            series={b.name: reader.value(b) for b in blocks if b.kind is not BlockKind.FOLDED},
            folded=frozenset(b.name.labels[0] for b in blocks if b.kind is BlockKind.FOLDED),
        )
    finally:
        reader.close()


def write_base(directory: Path, base: Base) -> None:
    """Put *base* in the place of the old one, at once and for good.

    Raises:
        OSError: the directory cannot be written; the old base is untouched.
    """
    temporary = directory / TEMPORARY
    with temporary.open("wb") as file:
        file.write(_encode(base))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(directory / NAME)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(base: Base) -> bytes:
    head = layout.header(base.started_at or 0.0).ljust(layout.HEADER_BYTES, b"\0")
    body = b"".join((*_encode_series(base.series), *_encode_folded(base.folded)))
    page = bytearray(head + body)
    struct.pack_into("=q", page, layout.USED_CELL * layout.WORD, len(page))
    return bytes(page)


def _encode_series(series: RawSeries) -> Iterator[bytes]:
    for name, value in series.items():
        if isinstance(value, Sketch):
            yield layout.encode_block(name, BlockKind.SKETCH, value.domain)[0]
            yield value.array.tobytes()
        else:
            yield layout.encode_block(name, BlockKind.COUNTER, None)[0]
            yield struct.pack("=dd", value, 0.0)


def _encode_folded(names: Collection[str]) -> Iterator[bytes]:
    for name in sorted(names):
        yield layout.encode_block(SeriesName(layout.FOLDED, (name,)), BlockKind.FOLDED, None)[0]
