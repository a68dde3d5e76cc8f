"""DDSketch with bins that coincide with Prometheus native-histogram buckets.

With gamma = 2^(1/32) the bin of key *k* is ``(gamma^(k-1), gamma^k]``: exactly the native-histogram
bucket of index *k* at schema 5, so one structure serves JSON, classic and native histograms without
loss, and sketches of workers, pods and intervals merge by adding their bins.

Guarantee: a quantile is within 1.083 % of a value that was recorded, as long as the value lies in
the domain; values outside land in the outermost bins and are counted as collapsed. Quantiles
answer the bin's point of least relative error, not an interpolated one, because interpolation
doubles the worst case to 2.19 %. Memory is fixed: 8 bytes a bin.

Source: Masson, Rim, Lee: DDSketch, VLDB 2019; the Prometheus native histogram specification.
"""

import math
from collections.abc import Iterable, MutableSequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import KeyMapping
from ddsketch.store import Store
from numpy.typing import NDArray

SCHEMA = 5
BINS_PER_OCTAVE = 1 << SCHEMA
GAMMA = 2.0 ** (1 / BINS_PER_OCTAVE)
RELATIVE_ERROR = (GAMMA - 1) / (GAMMA + 1)

# Cells in front of the bins: counts as integers, the rest as floats in the same memory.
ZERO, COLLAPSED_LOW, COLLAPSED_HIGH, SUM, COMPENSATION, MIN, MAX = range(7)
HEAD = 8

_log2 = math.log2
_ceil = math.ceil
_isfinite = math.isfinite


class PowerOfTwoMapping(KeyMapping):
    """ddsketch's logarithmic mapping, exact at powers of two (the stock one is off by a bin there)."""

    def __init__(self) -> None:
        super().__init__(RELATIVE_ERROR)
        self.gamma = GAMMA

    def _log_gamma(self, value: float) -> float:
        return _log2(value) * BINS_PER_OCTAVE

    def _pow_gamma(self, value: float) -> float:
        return float(2.0 ** (value / BINS_PER_OCTAVE))


MAPPING = PowerOfTwoMapping()


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The range of values a sketch tells apart, as bin keys, both ends included."""

    low_key: int
    high_key: int

    @classmethod
    def between(cls, low: float, high: float) -> "Domain":
        return cls(low_key=MAPPING.key(low), high_key=MAPPING.key(high))

    @property
    def bins(self) -> int:
        return self.high_key - self.low_key + 1

    @property
    def cells(self) -> int:
        return HEAD + self.bins


SECONDS = Domain.between(2.0**-14, 2.0**16)  # 61 us .. 18 h
DOLLARS = Domain.between(1e-7, 1e4)
COUNTS = Domain.between(1.0, 2.0**24)


class BinStore(Store):
    """ddsketch's store over fixed integer cells; both ends collapse."""

    def __init__(self, domain: Domain, cells: MutableSequence[int] | NDArray[np.int64]) -> None:
        self.domain = domain
        self.cells = cells

    @property
    def bins(self) -> NDArray[np.int64]:
        return np.frombuffer(self.cells, dtype=np.int64)[HEAD:]  # type: ignore[call-overload,no-any-return]

    @property
    def count(self) -> int:
        return int(self.bins.sum())

    @property
    def min_key(self) -> int:
        return self.domain.low_key + int(np.flatnonzero(self.bins)[0])

    @property
    def max_key(self) -> int:
        return self.domain.low_key + int(np.flatnonzero(self.bins)[-1])

    def length(self) -> int:
        return self.domain.bins

    def add(self, key: int, weight: float = 1.0) -> None:
        inside = min(max(key, self.domain.low_key), self.domain.high_key)
        if key < self.domain.low_key:
            self.cells[COLLAPSED_LOW] += int(weight)
        elif key > self.domain.high_key:
            self.cells[COLLAPSED_HIGH] += int(weight)
        self.cells[HEAD + inside - self.domain.low_key] += int(weight)

    def copy(self, store: "BinStore") -> None:
        self.bins[:] = store.bins

    def merge(self, store: "BinStore") -> None:
        self.bins[:] += store.bins

    def key_at_rank(self, rank: float, lower: bool = True) -> int:
        side, target = ("right", rank) if lower else ("left", rank + 1)
        at = int(np.searchsorted(np.cumsum(self.bins), target, side=side))
        return self.domain.low_key + min(at, self.domain.bins - 1)


class Sketch(BaseDDSketch):
    """A DDSketch whose whole state lies in one piece of memory: a worker file, or an array.

    Not thread-safe for writers: one writer, any number of readers.
    """

    def __init__(self, domain: Domain, cells: Any, floats: Any) -> None:
        """*cells* and *floats* are two views (int64, float64) of the same *domain.cells* words."""
        self.domain = domain
        self._mapping = MAPPING
        self._relative_accuracy = RELATIVE_ERROR
        self._low = domain.low_key
        self._high = domain.high_key
        self.attach(cells, floats)

    @classmethod
    def empty(cls, domain: Domain) -> "Sketch":
        array = np.zeros(domain.cells, dtype=np.int64)
        sketch = cls(domain, array, array.view(np.float64))
        sketch.clear()
        return sketch

    @classmethod
    def of(cls, domain: Domain, values: Iterable[float]) -> "Sketch":
        sketch = cls.empty(domain)
        for value in values:
            sketch.add(value)
        return sketch

    @classmethod
    def frozen(cls, domain: Domain, array: NDArray[np.int64]) -> "Sketch":
        """A sketch that cannot change, over *array* (int64, *domain.cells* long)."""
        array.flags.writeable = False
        return cls(domain, array, array.view(np.float64))

    def attach(self, cells: Any, floats: Any) -> None:
        """Continue in other memory that already holds this sketch's state."""
        self._cells = cells
        self._floats = floats

    def clear(self) -> None:
        """Forget everything. Only for memory that is all zero or owned by the caller."""
        for i in range(len(self._cells)):
            self._cells[i] = 0
        self._floats[MIN] = math.inf
        self._floats[MAX] = -math.inf

    def add(self, val: float, weight: float = 1.0) -> None:
        """Count *val* once (*weight* must be 1; it is here for ddsketch's interface).

        Raises:
            ValueError: *val* is negative, infinite or NaN, or *weight* is not 1. ddsketch itself
                would file a NaN under zero and turn the sum into NaN for good.
        """
        if not (_isfinite(val) and val >= 0) or weight != 1.0:
            msg = f"expected a finite number >= 0 with weight 1, got {val!r} with weight {weight!r}"
            raise ValueError(msg)
        cells, floats = self._cells, self._floats
        if val == 0:
            cells[ZERO] += 1
        else:
            key = _ceil(_log2(val) * BINS_PER_OCTAVE)
            if key < self._low:
                key = self._low
                cells[COLLAPSED_LOW] += 1
            elif key > self._high:
                key = self._high
                cells[COLLAPSED_HIGH] += 1
            cells[HEAD + key - self._low] += 1
        old = floats[SUM]
        new = old + val
        floats[COMPENSATION] += (old - new) + val if old >= val else (val - new) + old
        floats[SUM] = new
        if val < floats[MIN]:
            floats[MIN] = val
        if val > floats[MAX]:
            floats[MAX] = val

    @property
    def array(self) -> NDArray[np.int64]:
        """All cells as one int64 array (a view)."""
        return np.frombuffer(self._cells, dtype=np.int64)

    @property
    def bins(self) -> NDArray[np.int64]:
        """Counts per bin; index 0 is key ``domain.low_key``."""
        return self.array[HEAD:]

    @property
    def _store(self) -> BinStore:
        return BinStore(self.domain, self._cells)

    @property
    def _negative_store(self) -> BinStore:
        return BinStore(self.domain, np.zeros(self.domain.cells, dtype=np.int64))

    @property
    def zero_count(self) -> int:
        return int(self._cells[ZERO])

    _zero_count = zero_count

    @property
    def collapsed(self) -> int:
        """How many values lay outside the domain."""
        return int(self._cells[COLLAPSED_LOW]) + int(self._cells[COLLAPSED_HIGH])

    @property
    def count(self) -> int:
        return self.zero_count + int(self.bins.sum())

    _count = num_values = count

    @property
    def sum(self) -> float:
        return float(self._floats[SUM]) + float(self._floats[COMPENSATION])

    @property
    def avg(self) -> float | None:
        count = self.count
        return self.sum / count if count else None

    @property
    def min(self) -> float:
        return float(self._floats[MIN])

    @property
    def max(self) -> float:
        return float(self._floats[MAX])

    def get_quantile_value(self, quantile: float) -> float | None:
        """The value at *quantile* (0..1), within 1.083 %; None when nothing was recorded."""
        if not 0 <= quantile <= 1:
            msg = f"quantile: expected 0..1, got {quantile!r}"
            raise ValueError(msg)
        count = self.count
        if not count:
            return None
        rank = math.floor(quantile * (count - 1)) - self.zero_count
        if rank < 0:
            return 0.0
        value = float(MAPPING.value(self._store.key_at_rank(rank)))
        return min(max(value, self.min), self.max)

    def merge(self, sketch: "Sketch") -> None:
        """Add *sketch* to this one.

        Raises:
            ValueError: the domains differ.
        """
        merged = merge_cells(self.domain, (self, sketch))
        self.array[:] = merged

    def minus(self, earlier: "Sketch") -> "Sketch":
        """What was recorded since *earlier*, an older state of this sketch.

        The exact extremes of an interval cannot be known from two totals: the outermost bins' edges
        stand in for them.
        """
        array = self.array - earlier.array
        floats = array.view(np.float64)
        floats[SUM] = self.sum - earlier.sum
        floats[COMPENSATION] = 0.0
        filled = np.flatnonzero(array[HEAD:])
        low, high = math.inf, -math.inf
        if filled.size:
            low = edge(self.domain.low_key + int(filled[0]) - 1)
            high = edge(self.domain.low_key + int(filled[-1]))
        floats[MIN] = max(0.0 if array[ZERO] else low, self.min)
        floats[MAX] = min(high if filled.size else (0.0 if array[ZERO] else high), self.max)
        return Sketch.frozen(self.domain, array)


def edge(key: int) -> float:
    """The upper edge of bin *key*."""
    return float(2.0 ** (key / BINS_PER_OCTAVE))


def merge_cells(domain: Domain, sketches: Iterable[Sketch]) -> NDArray[np.int64]:
    """The cells of one sketch that saw what all *sketches* saw.

    Raises:
        ValueError: a sketch has another domain.
    """
    parts = list(sketches)
    for part in parts:
        if part.domain != domain:
            msg = f"sketches of different domains do not merge: {part.domain} and {domain}"
            raise ValueError(msg)
    merged = np.zeros(domain.cells, dtype=np.int64)
    for part in parts:
        merged += part.array
    floats = merged.view(np.float64)
    floats[SUM] = math.fsum(part.sum for part in parts)
    floats[COMPENSATION] = 0.0
    floats[MIN] = min((part.min for part in parts), default=math.inf)
    floats[MAX] = max((part.max for part in parts), default=-math.inf)
    return merged


def merge(sketches: Iterable[Sketch]) -> Sketch | None:
    """One frozen sketch that saw what all *sketches* saw; None for none."""
    parts = list(sketches)
    if not parts:
        return None
    return Sketch.frozen(parts[0].domain, merge_cells(parts[0].domain, parts))
