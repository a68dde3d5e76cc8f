"""DDSketch whose bins are Prometheus native-histogram buckets, in memory that others can read.

Guarantee: a quantile is within 1.083 % of a value that was recorded, as long as the value lies in
the domain; values outside land in the outermost bins and are counted as collapsed. Quantiles
answer the bin's point of least relative error, not an interpolated one, because interpolation
doubles the worst case to 2.19 %. Memory is fixed: 8 bytes a bin.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from ddsketch.ddsketch import BaseDDSketch
from numpy.typing import NDArray

from litellm_obs_plugin.metrics.addition import add_to_pair
from litellm_obs_plugin.metrics.cells import add_cells, empty_cells, quantile_of, subtract_cells
from litellm_obs_plugin.metrics.mapping import BINS_PER_OCTAVE as BINS_PER_OCTAVE
from litellm_obs_plugin.metrics.mapping import (
    COLLAPSED_HIGH,
    COLLAPSED_LOW,
    MAPPING,
    MAX,
    MIN,
    REST,
    SUM,
)
from litellm_obs_plugin.metrics.mapping import COUNTS as COUNTS
from litellm_obs_plugin.metrics.mapping import DOLLARS as DOLLARS
from litellm_obs_plugin.metrics.mapping import GAMMA as GAMMA
from litellm_obs_plugin.metrics.mapping import HEAD as HEAD
from litellm_obs_plugin.metrics.mapping import MICROSECONDS as MICROSECONDS
from litellm_obs_plugin.metrics.mapping import RATES as RATES
from litellm_obs_plugin.metrics.mapping import RELATIVE_ERROR as RELATIVE_ERROR
from litellm_obs_plugin.metrics.mapping import SCHEMA as SCHEMA
from litellm_obs_plugin.metrics.mapping import SECONDS as SECONDS
from litellm_obs_plugin.metrics.mapping import ZERO as ZERO
from litellm_obs_plugin.metrics.mapping import Domain as Domain
from litellm_obs_plugin.metrics.mapping import edge as edge
from litellm_obs_plugin.metrics.store import BinStore

_log2 = math.log2
_ceil = math.ceil


class Sketch(BaseDDSketch):
    """A DDSketch whose whole state lies in one piece of memory: a worker file, or an array.

    One thread may write, any number may read.
    """

    def __init__(self, domain: Domain, cells: Any, floats: Any) -> None:
        """*cells* and *floats* are two views (int64, float64) of the same *domain.cells* words."""
        self.domain = domain
        self._cells, self._floats = cells, floats
        self._low, self._last = domain.low_key, domain.bins - 1
        # The writer's own copy, which is faster; of the sum with what memory rounds off.
        self._total, self._rest = float(floats[SUM]), float(floats[REST])
        self._least, self._most = float(floats[MIN]), float(floats[MAX])

    _mapping = MAPPING
    _relative_accuracy = RELATIVE_ERROR

    @classmethod
    def empty(cls, domain: Domain) -> "Sketch":
        cells = empty_cells(domain)
        return cls(domain, cells, cells.view(np.float64))

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
        sketch = cls.__new__(cls)
        sketch.domain = domain
        sketch._cells, sketch._floats = array, array.view(np.float64)
        sketch._total, sketch._rest = math.nan, 0.0  # to which nothing can be added
        return sketch

    def add(self, val: float, weight: float = 1.0) -> int:
        """Count *val* once (*weight* must be 1); the index of its bin, 0 for zero too.

        Extremes first, then the bin: whoever reads bins before the head never sees a value outside
        the extremes. The sum comes last and may lag by the value in flight.

        Raises:
            ValueError: *val* is negative, infinite or NaN, or *weight* is not 1. ddsketch itself
                would file a NaN under zero and turn the sum into NaN for good.
        """
        if weight != 1.0:
            raise ValueError(f"weight: expected 1, got {weight!r}")
        total, rest = self._total, self._rest
        new = total + val
        if total >= val >= 0 and new - new == 0:  # add_to_pair, spelled out: half the time of add
            rest += (total - new) + val
            shown = new + rest
            if shown < total:
                shown = total
            self._total, self._rest = shown, (new - shown) + rest
        else:
            self._total, self._rest = add_to_pair(total, rest, val)
        cells, floats = self._cells, self._floats
        if val < self._least:
            self._least = floats[MIN] = val
        if val > self._most:
            self._most = floats[MAX] = val
        at = 0
        if not val:
            cells[ZERO] += 1
        else:
            at = _ceil(_log2(val) * BINS_PER_OCTAVE) - self._low
            if not 0 <= at <= self._last:
                cells[COLLAPSED_LOW if at < 0 else COLLAPSED_HIGH] += 1
                at = 0 if at < 0 else self._last
            cells[HEAD + at] += 1
        floats[SUM] = self._total
        return at

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

    @property
    def collapsed(self) -> int:
        """How many values lay outside the domain."""
        return int(self._cells[COLLAPSED_LOW]) + int(self._cells[COLLAPSED_HIGH])

    @property
    def count(self) -> int:
        return self.zero_count + int(self.bins.sum())

    @property
    def sum(self) -> float:
        return float(self._floats[SUM]) + float(self._floats[REST])

    @property
    def avg(self) -> float | None:
        return self.sum / self.count if self.count else None

    @property
    def min(self) -> float:
        return float(self._floats[MIN])

    @property
    def max(self) -> float:
        return float(self._floats[MAX])

    _zero_count, _count, num_values, _sum, _min, _max = zero_count, count, count, sum, min, max

    def get_quantile_value(self, quantile: float) -> float | None:
        """The value at *quantile* (0..1), within 1.083 %; None when nothing was recorded."""
        return quantile_of(self.domain, self.array, quantile)

    def merge(self, sketch: "Sketch") -> None:
        """Add *sketch*, which must be of the same domain, to this one."""
        self.array[:] = _add((self, sketch))
        Sketch.__init__(self, self.domain, self._cells, self._floats)

    def minus(self, earlier: "Sketch") -> "Sketch":
        """What was recorded since *earlier*, an older state of this sketch.

        Its extremes are the outermost bins' edges, or the overall ones where a value collapsed.
        """
        cells = subtract_cells(self.domain, self.array, earlier.array)
        return Sketch.frozen(self.domain, cells)


def merge(sketches: Iterable[Sketch]) -> Sketch | None:
    """One frozen sketch that saw what all *sketches* saw; None for none.

    Raises:
        ValueError: the domains differ.
    """
    parts = tuple(sketches)
    return Sketch.frozen(parts[0].domain, _add(parts)) if parts else None


def _add(parts: tuple[Sketch, ...]) -> NDArray[np.int64]:
    domain = parts[0].domain
    if any(part.domain is not domain and part.domain != domain for part in parts):
        raise ValueError(f"expected sketches of one domain, got {[p.domain for p in parts]}")
    return add_cells(domain, [part.array for part in parts])
