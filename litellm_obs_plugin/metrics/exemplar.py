"""Recorded values with the ids that lead to their requests, a few for each sketch.

A sketch's range is cut into 16 parts (about two octaves each); each part keeps its last value. They
lie behind the sketch's cells in the worker file, under a checksum: one that is being written while
it is read is left out. Folding drops them: they are samples, and new ones come with new traffic.
"""

import math
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from litellm_obs_plugin.metrics.mapping import BINS_PER_OCTAVE, Domain
from litellm_obs_plugin.metrics.sketch import Sketch

SLOTS = 16
_VALUE = struct.Struct("=d")
_HEAD = struct.Struct("=Qd")  # checksum, value
_TAIL = struct.Struct("=d48s56s")  # time, trace id, request id
SLOT_BYTES = _HEAD.size + _TAIL.size
CELLS = SLOTS * SLOT_BYTES // 8
_pack_value, _crc32 = _VALUE.pack, zlib.crc32
_pack_slot = struct.Struct(f"=Qd{_TAIL.size}s").pack_into
_TRACE_BYTES, _REQUEST_BYTES = 48, 56

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """*recorded_at* is seconds since the epoch; the ids are what a trace search understands."""

    value: float
    trace_id: str | None
    request_id: str
    recorded_at: float


class Origin(NamedTuple):
    """The request that values come from, ready to be written, with the checksum so far."""

    tail: bytes
    checksum: int

    @classmethod
    def of(cls, *, trace_id: str | None, request_id: str, recorded_at: float) -> "Origin":
        """An id that is too long to keep whole is left out."""
        trace, request = _fit(trace_id or "", _TRACE_BYTES), _fit(request_id, _REQUEST_BYTES)
        tail = _TAIL.pack(recorded_at, trace, request)
        return cls(tail, zlib.crc32(tail))


class MarkedSketch:
    """A sketch in a worker file, and the exemplars behind it."""

    __slots__ = ("_add", "_bins", "_memory")

    def __init__(self, sketch: Sketch, memory: Any) -> None:
        """*memory* is a view of the :data:`CELLS` words behind the sketch's, as bytes."""
        self._add = sketch.add
        self._bins = sketch.domain.bins
        self._memory = memory

    def add(self, value: float, origin: Origin | None = None) -> None:
        """Count *value*, and remember where it came from in the place of the last of its size.

        Raises:
            ValueError: as :meth:`Sketch.add`.
        """
        at = self._add(value) * SLOTS // self._bins * SLOT_BYTES
        if origin is not None:
            tail, checksum = origin
            _pack_slot(self._memory, at, _crc32(_pack_value(value), checksum), value, tail)


class Exemplars(Mapping[Labels, tuple[Exemplar, ...]]):
    """Exemplars by label values, decoded when they are asked for; the latest of every worker's."""

    def __init__(self, domain: Domain, raw: Mapping[Labels, Iterable[bytes]]) -> None:
        self._domain = domain
        self._raw = raw

    def __getitem__(self, labels: Labels) -> tuple[Exemplar, ...]:
        return latest(self._domain, (e for part in self._raw[labels] for e in decode(part)))

    def __iter__(self) -> Iterator[Labels]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def slot_of(domain: Domain, value: float) -> int:
    """Which of the parts of *domain* holds *value*."""
    if value <= 0:
        return 0
    at = math.ceil(math.log2(value) * BINS_PER_OCTAVE) - domain.low_key
    return min(max(at * SLOTS // domain.bins, 0), SLOTS - 1)


def latest(domain: Domain, exemplars: Iterable[Exemplar]) -> tuple[Exemplar, ...]:
    """The last exemplar of each part of *domain*, smallest value first."""
    chosen: dict[int, Exemplar] = {}
    for exemplar in exemplars:
        slot = slot_of(domain, exemplar.value)
        if slot not in chosen or exemplar.recorded_at >= chosen[slot].recorded_at:
            chosen[slot] = exemplar
    return tuple(chosen[slot] for slot in sorted(chosen))


def decode(raw: bytes) -> Iterator[Exemplar]:
    """The whole exemplars in the words behind one sketch."""
    for at in range(0, len(raw), SLOT_BYTES):
        checksum, value = _HEAD.unpack_from(raw, at)
        tail = raw[at + _HEAD.size : at + SLOT_BYTES]
        if not checksum or checksum != zlib.crc32(_VALUE.pack(value), zlib.crc32(tail)):
            continue
        recorded_at, trace_id, request_id = _TAIL.unpack(tail)
        yield Exemplar(
            value=value,
            trace_id=trace_id.rstrip(b"\0").decode("utf-8", "replace") or None,
            request_id=request_id.rstrip(b"\0").decode("utf-8", "replace"),
            recorded_at=recorded_at,
        )


def _fit(text: str, size: int) -> bytes:
    data = text.encode("utf-8", "replace")
    return data if len(data) <= size else b""  # half an id finds nothing
