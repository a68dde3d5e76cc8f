"""Rows of history as columns, and how the bins of a sketch are written into a row. Pure.

A row says what one series counted in one step: a counter's increase, or a sketch as pairs of bin
key (int16) and count (uint16), little-endian; a larger count repeats its key.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.mapping import HEAD, MAX, MIN, SUM, ZERO, Domain
from litellm_obs_plugin.metrics.sketch import Sketch

_PAIR = np.dtype([("key", "<i2"), ("count", "<u2")])
_MOST = 0xFFFF

Raw = tuple[int, int, float, int, int, float | None, float | None, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """*names* are the series, *series* points into them. *value* is an increase or a sketch's sum.

    *n*, *zero*, *low*, *high* and *bins* are of sketches; *bins* is None for counters.
    """

    names: Sequence[SeriesName]
    series: NDArray[np.int64]
    t: NDArray[np.int64]
    value: NDArray[np.float64]
    n: NDArray[np.int64]
    zero: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    bins: Sequence[bytes | None]

    def __len__(self) -> int:
        return len(self.bins)

    @classmethod
    def of(cls, names: Sequence[SeriesName], rows: Sequence[Raw]) -> "Columns":
        """*rows*: (index of the series, t, value, n, zero, low, high, bins)."""
        series, t, value, n, zero, low, high, bins = (
            list(map(itemgetter(place), rows)) for place in range(8)
        )
        return cls(
            names=names,
            series=np.asarray(series, dtype=np.int64),
            t=np.asarray(t, dtype=np.int64),
            value=np.asarray(value, dtype=np.float64),
            n=np.asarray(n, dtype=np.int64),
            zero=np.asarray(zero, dtype=np.int64),
            low=np.asarray(low, dtype=np.float64),  # None becomes NaN
            high=np.asarray(high, dtype=np.float64),
            bins=bins,
        )

    def only(self, fits: Callable[[SeriesName], bool]) -> "Columns":
        """The rows of the series that fit."""
        kept = [place for place, name in enumerate(self.names) if fits(name)]
        moved = np.full(len(self.names) + 1, -1, dtype=np.int64)
        moved[kept] = np.arange(len(kept))
        found = self.take(np.flatnonzero(moved[self.series] >= 0))
        names = [self.names[place] for place in kept]
        return replace(found, names=names, series=moved[found.series])

    def take(self, at: NDArray[np.int64]) -> "Columns":
        """The rows at these places."""
        return Columns(
            names=self.names,
            series=self.series[at],
            t=self.t[at],
            value=self.value[at],
            n=self.n[at],
            zero=self.zero[at],
            low=self.low[at],
            high=self.high[at],
            bins=[self.bins[place] for place in at.tolist()],
        )

    def rows(self) -> Iterable[Raw]:
        """Each row as :meth:`of` takes it."""
        numbers = (self.series, self.t, self.value, self.n, self.zero)
        extremes = ([None if v != v else v for v in e.tolist()] for e in (self.low, self.high))
        return zip(*(c.tolist() for c in numbers), *extremes, self.bins, strict=True)


def join(parts: Iterable[Columns]) -> Columns:
    """All rows of all *parts*, each series named once."""
    places: dict[SeriesName, int] = {}
    found = [part for part in parts if len(part)]
    series = []
    for part in found:
        moved = [places.setdefault(name, len(places)) for name in part.names]
        series.append(np.asarray(moved, dtype=np.int64)[part.series])
    if not found:
        return Columns.of((), [])
    return Columns(
        names=tuple(places),
        series=np.concatenate(series),
        t=np.concatenate([part.t for part in found]),
        value=np.concatenate([part.value for part in found]),
        n=np.concatenate([part.n for part in found]),
        zero=np.concatenate([part.zero for part in found]),
        low=np.concatenate([part.low for part in found]),
        high=np.concatenate([part.high for part in found]),
        bins=[bins for part in found for bins in part.bins],
    )


def encode_bins(sketch: Sketch) -> bytes:
    """The filled bins of *sketch*."""
    at = np.flatnonzero(sketch.bins)
    counts = sketch.bins[at]
    repeats = (counts + _MOST - 1) // _MOST
    pairs = np.zeros(int(repeats.sum()), dtype=_PAIR)
    pairs["key"] = np.repeat(at + sketch.domain.low_key, repeats)
    pairs["count"] = _MOST
    if len(at):
        pairs["count"][np.cumsum(repeats) - 1] = counts - (repeats - 1) * _MOST
    return pairs.tobytes()


def decode_bins(bins: Iterable[bytes]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Keys and counts of several rows, one after the other."""
    pairs = np.frombuffer(b"".join(bins), dtype=_PAIR)
    return pairs["key"].astype(np.int64), pairs["count"].astype(np.int64)


def sum_bins(domain: Domain, bins: Iterable[bytes]) -> NDArray[np.int64]:
    """The counts of all *bins*, in the *domain*'s order; what lies outside lands at its ends."""
    keys, counts = decode_bins(bins)
    at = np.clip(keys - domain.low_key, 0, domain.bins - 1)
    # As floats these sums are exact up to 2^53.
    return np.bincount(at, weights=counts, minlength=domain.bins).astype(np.int64)


def make_sketch(
    domain: Domain, *, bins: Iterable[bytes], zero: int, total: float, low: float, high: float
) -> Sketch:
    """The frozen sketch of some rows of one series."""
    cells = np.zeros(domain.cells, dtype=np.int64)
    floats = cells.view(np.float64)
    cells[HEAD:] = sum_bins(domain, bins)
    cells[ZERO] = zero
    floats[SUM], floats[MIN], floats[MAX] = total, low, high
    return Sketch.frozen(domain, cells)
