"""The base: what workers that are gone have counted, in a file that is only replaced whole."""

import os
import struct
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from litellm_obs_plugin.metrics import layout
from litellm_obs_plugin.metrics.file_reader import FileReader, Raw, check_value
from litellm_obs_plugin.metrics.layout import BlockKind, SeriesName
from litellm_obs_plugin.metrics.sketch import Sketch

NAME = "base"
TEMPORARY = "base.new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Folded counts, and the names of the files that are in them."""

    started_at: float | None = None
    series: tuple[tuple[SeriesName, Raw], ...] = ()
    folded: frozenset[str] = frozenset()


def decode_base(reader: FileReader) -> Base:
    """The base in an open file.

    Raises:
        layout.FormatError: it is damaged or of another format.
    """
    if reader.header.checksum != zlib.crc32(reader.body()):
        msg = "the checksum does not match"
        raise layout.FormatError(msg)
    series, folded = [], set[str]()
    for block in reader.blocks():
        if block.kind is BlockKind.FOLDED:
            folded.add(block.name.labels[0])
        else:
            raw = reader.value(block)
            check_value(block, raw)
            series.append((block.name, raw))
    return Base(started_at=reader.header.started_at, series=tuple(series), folded=frozenset(folded))


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
        return decode_base(reader)
    finally:
        reader.close()


def write_base(directory: Path, base: Base, *, step: Callable[[str], None]) -> None:
    """Put *base* in the place of the old one, at once and for good.

    Raises:
        OSError: the directory cannot be written; the old base is untouched.
    """
    temporary = directory / TEMPORARY
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(temporary, flags, 0o600), "wb") as file:
        file.write(_encode(base))
        step("base written")
        file.flush()
        os.fsync(file.fileno())
    step("base on disk")
    temporary.replace(directory / NAME)
    step("base replaced")
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    step("directory on disk")


def _encode(base: Base) -> bytes:
    body = b"".join((*_encode_series(base.series), *_encode_folded(base.folded)))
    head = layout.encode_header(
        base.started_at or 0.0, used=layout.HEADER_BYTES + len(body), checksum=zlib.crc32(body)
    )
    return head.ljust(layout.HEADER_BYTES, b"\0") + body


def _encode_series(series: Iterable[tuple[SeriesName, Raw]]) -> Iterator[bytes]:
    for name, raw in series:
        if isinstance(raw, Sketch):
            yield layout.encode_block(name, BlockKind.SKETCH, raw.domain)[0]
            yield raw.array.tobytes()
        else:
            yield layout.encode_block(name, BlockKind.COUNTER, None)[0]
            yield struct.pack("=dd", *raw)


def _encode_folded(names: Collection[str]) -> Iterator[bytes]:
    for name in sorted(names):
        yield layout.encode_block(SeriesName(layout.FOLDED, (name,)), BlockKind.FOLDED, None)[0]
