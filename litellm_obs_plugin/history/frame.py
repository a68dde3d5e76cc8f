"""Rows laid out over equal steps: counts and quantiles of any series, step by step. Pure.

All arrays are as long as the steps. NaN is "not known": a step nobody watched, or a quantile of
nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litellm_obs_plugin.history.columns import Columns, decode_bins
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.metrics.catalog import BY_NAME
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.mapping import BINS_PER_OCTAVE, GAMMA, Domain

Steps = NDArray[np.float64]

_MIDDLE = 2 / (1 + GAMMA)  # of a bin's upper edge: the point of least relative error


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """*times* are the starts of the steps, *watched* which of them somebody watched."""

    times: NDArray[np.int64]
    step_s: int
    watched: NDArray[np.bool_]
    columns: Columns
    at: NDArray[np.int64]  # the step of each row

    @classmethod
    def lay_out(
        cls,
        columns: Columns,
        intervals: Iterable[Interval],
        *,
        start: float,
        end: float,
        step_s: int,
    ) -> "Frame":
        """Steps of *step_s* seconds that hold the window from *start* to *end*."""
        first = math.floor(start / step_s)
        count = max(math.ceil(end / step_s) - first, 1)
        watched = np.zeros(count, dtype=bool)
        for one in intervals:
            watched[min(max(one.t // step_s - first, 0), count - 1)] = True
        return cls(
            times=(np.arange(count) + first) * step_s,
            step_s=step_s,
            watched=watched,
            columns=columns,
            at=np.clip(columns.t // step_s - first, 0, count - 1),
        )

    def total(self, metric: str, /, **where: str) -> Steps:
        """A counter's increase in each step."""
        return self._sum(self._select(metric, where))

    def by(self, metric: str, label: str, /, **where: str) -> dict[str, Steps]:
        """The same for each value of *label*, largest first."""
        found = {
            value: self._sum(chosen) for value, chosen in self._groups(metric, label, where).items()
        }
        return dict(sorted(found.items(), key=lambda item: -float(np.nansum(item[1]))))

    def quantiles(self, metric: str, wanted: Sequence[float], /, **where: str) -> list[Steps]:
        """Quantiles of a sketch in each step, within 1.083 %."""
        return self._quantiles(metric, self._select(metric, where), wanted)

    def quantiles_by(
        self, metric: str, label: str, wanted: float, /, **where: str
    ) -> dict[str, Steps]:
        """One quantile for each value of *label*."""
        groups = self._groups(metric, label, where)
        return {
            value: self._quantiles(metric, chosen, (wanted,))[0] for value, chosen in groups.items()
        }

    def _groups(
        self, metric: str, label: str, where: dict[str, str]
    ) -> dict[str, NDArray[np.bool_]]:
        """Which series have each value of *label*."""
        place = BY_NAME[metric].labels.index(label)
        groups: dict[str, NDArray[np.bool_]] = {}
        for at in np.flatnonzero(self._select(metric, where)).tolist():
            value = self.columns.names[at].labels[place]
            groups.setdefault(value, np.zeros(len(self.columns.names), dtype=bool))[at] = True
        return groups

    def _select(self, metric: str, where: dict[str, str]) -> NDArray[np.bool_]:
        """Which series are of *metric* and have these label values."""
        labels = BY_NAME[metric].labels
        wanted = [(labels.index(label), value) for label, value in where.items()]

        def fits(name: SeriesName) -> bool:
            return name.metric == metric and all(name.labels[at] == v for at, v in wanted)

        return np.array([fits(name) for name in self.columns.names], dtype=bool)

    def _rows(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        if not len(self.columns):
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(chosen[self.columns.series])

    def _sum(self, chosen: NDArray[np.bool_]) -> Steps:
        rows = self._rows(chosen)
        sums = np.bincount(
            self.at[rows], weights=self.columns.value[rows], minlength=len(self.times)
        )
        return np.where(self.watched, sums, np.nan)

    def _quantiles(
        self, metric: str, chosen: NDArray[np.bool_], wanted: Sequence[float]
    ) -> list[Steps]:
        domain = BY_NAME[metric].domain
        assert domain is not None, f"{metric} is no sketch"
        rows = self._rows(chosen)
        counts = self._bins(domain, rows)
        zeros = np.bincount(
            self.at[rows], weights=self.columns.zero[rows], minlength=len(counts)
        ).astype(np.float64)
        return [_quantile(domain, counts, zeros, q) for q in wanted]

    def _bins(self, domain: Domain, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Counts by step and bin, summed upwards."""
        blobs = [self.columns.bins[row] or b"" for row in rows]
        keys, counts = decode_bins(blobs)
        steps = np.repeat(self.at[rows], [len(blob) // 4 for blob in blobs])
        places = np.clip(keys - domain.low_key, 0, domain.bins - 1)
        flat = np.bincount(
            steps * domain.bins + places,
            weights=counts,
            minlength=len(self.times) * domain.bins,
        )
        return flat.reshape(len(self.times), domain.bins).cumsum(axis=1)


def _quantile(
    domain: Domain, counts: NDArray[np.float64], zeros: NDArray[np.float64], wanted: float
) -> Steps:
    """As :func:`metrics.cells.quantile_of`, for every step at once."""
    totals = counts[:, -1] + zeros
    ranks = np.floor(wanted * np.maximum(totals - 1, 0)) - zeros
    bins = np.minimum((counts <= ranks[:, None]).sum(axis=1), domain.bins - 1)
    values = 2.0 ** ((bins + domain.low_key) / BINS_PER_OCTAVE) * _MIDDLE
    return np.where(totals > 0, np.where(ranks < 0, 0.0, values), np.nan)


def plain(values: Steps, factor: float = 1.0) -> list[float | None]:
    """*values* times *factor*; None for what is not known."""
    return [None if math.isnan(v) else v * factor for v in values.tolist()]
