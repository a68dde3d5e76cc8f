"""Adding and subtracting the words of sketches as whole arrays."""

import math
import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from litellm_obs_plugin.metrics.addition import add_exactly
from litellm_obs_plugin.metrics.mapping import (
    COLLAPSED_HIGH,
    COLLAPSED_LOW,
    HEAD,
    MAPPING,
    MAX,
    MIN,
    REST,
    SUM,
    ZERO,
    Domain,
    edge,
)

Cells = NDArray[np.int64]

_HEAD = struct.Struct("=3q4d8x")  # three counts, sum, rest, extremes, and a spare word


def empty_cells(domain: Domain) -> Cells:
    """The cells of a sketch that saw nothing."""
    cells = np.zeros(domain.cells, dtype=np.int64)
    floats = cells.view(np.float64)
    floats[MIN], floats[MAX] = math.inf, -math.inf
    return cells


class CellSum:
    """The cells of one sketch that saw what the sketches of all parts saw.

    A part may be memory that its worker is writing: it is read once, its bins before its head,
    which :meth:`Sketch.add` writes the other way round; so no value in a bin lies outside the
    extremes.
    """

    __slots__ = ("_bins", "_cells", "_counts", "_high", "_low", "_sums", "domain")

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._cells = np.zeros(domain.cells, dtype=np.int64)
        self._bins = self._cells[HEAD:]
        self._counts = [0, 0, 0]
        self._sums, self._low, self._high = [0.0], math.inf, -math.inf

    def add(self, part: Cells) -> None:
        np.add(self._bins, part[HEAD:], self._bins)
        zero, below, above, total, rest, least, most = _HEAD.unpack(part[:HEAD].tobytes())
        counts = self._counts
        counts[ZERO] += zero
        counts[COLLAPSED_LOW] += below
        counts[COLLAPSED_HIGH] += above
        self._sums += (total, rest)
        if least < self._low:
            self._low = least
        if most > self._high:
            self._high = most

    def cells(self) -> Cells:
        """The sum, which must not be added to any more."""
        self._cells[:SUM] = self._counts
        total, rest = add_exactly(self._sums)
        self._cells.view(np.float64)[SUM : MAX + 1] = total, rest, self._low, self._high
        return self._cells


def add_cells(domain: Domain, parts: Iterable[Cells]) -> Cells:
    """The cells of one sketch that saw what the sketches of all *parts* saw."""
    merged = CellSum(domain)
    for part in parts:
        merged.add(part)
    return merged.cells()


def subtract_cells(domain: Domain, later: Cells, earlier: Cells) -> Cells:
    """What came between two states of one sketch."""
    part = later - earlier
    floats, old, new = (cells.view(np.float64) for cells in (part, earlier, later))
    floats[SUM] = max(0.0, math.fsum((new[SUM], new[REST], -old[SUM], -old[REST])))
    floats[REST] = 0.0
    low, high = _outer_edges(domain, part)
    floats[MIN], floats[MAX] = max(low, new[MIN]), min(high, new[MAX])
    return part


def _outer_edges(domain: Domain, part: Cells) -> tuple[float, float]:
    filled = np.flatnonzero(part[HEAD:]) + domain.low_key
    if not filled.size:
        return (0.0, 0.0) if part[ZERO] else (math.inf, -math.inf)
    low = 0.0 if part[ZERO] or part[COLLAPSED_LOW] else edge(int(filled[0]) - 1)
    high = math.inf if part[COLLAPSED_HIGH] else edge(int(filled[-1]))
    return low, high


def quantile_of(domain: Domain, cells: Cells, quantile: float) -> float | None:
    """The value whose rank is *quantile* (0..1) of the way up; None when there is none.

    Raises:
        ValueError: *quantile* is not within 0..1.
    """
    if not 0 <= quantile <= 1:
        msg = f"quantile: expected 0..1, got {quantile!r}"
        raise ValueError(msg)
    counts, zeros = cells[HEAD:].cumsum(), int(cells[ZERO])
    count = zeros + int(counts[-1])
    if not count:
        return None
    rank = math.floor(quantile * (count - 1)) - zeros
    if rank < 0:
        return 0.0
    key = domain.low_key + int(np.searchsorted(counts, rank, side="right"))
    least, most = cells[:HEAD].view(np.float64)[[MIN, MAX]].tolist()
    return float(min(max(MAPPING.value(key), least), most))
