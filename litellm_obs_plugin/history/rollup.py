"""Counts between two snapshots become rows, fine rows coarse ones, rows one value. Pure."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from litellm_obs_plugin.history.columns import Columns, Raw, encode_bins, make_sketch
from litellm_obs_plugin.metrics.catalog import BY_NAME, CATALOG, Kind, Labels
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot, Value

# Gauges say how something stands; what a budget has spent, its own counter keeps.
KEPT = frozenset(m.name for m in CATALOG if m.kind is not Kind.GAUGE and not m.hidden)


def to_columns(increase: Snapshot, *, t: int) -> Columns:
    """What *increase* (a difference of snapshots) counted, as rows that start at *t*."""
    names: list[SeriesName] = []
    rows: list[Raw] = []
    for metric, labels, value in _changed(increase):
        rows.append((len(names), t, *_parts_of(value)))
        names.append(SeriesName(metric, labels))
    return Columns.of(names, rows)


def _changed(increase: Snapshot) -> Iterator[tuple[str, Labels, Value]]:
    for metric in KEPT & increase.series.keys():
        for labels, value in increase.series[metric].items():
            if value.count if isinstance(value, Sketch) else value:
                yield metric, labels, value


def _parts_of(value: Value) -> Any:
    if not isinstance(value, Sketch):
        return value, 0, 0, None, None, None
    low, high = value.min, value.max
    extremes = (low, high) if math.isfinite(low) and math.isfinite(high) else _edges(value)
    return value.sum, value.count, value.zero_count, *extremes, encode_bins(value)


def _edges(sketch: Sketch) -> tuple[float, float]:
    """Of a sketch in which a value lay outside the domain."""
    least, most = sketch.get_quantile_value(0.0), sketch.get_quantile_value(1.0)
    return least or 0.0, most or 0.0


def coarsen(columns: Columns, step_s: int) -> Columns:
    """The same counts in rows of *step_s* seconds, one per series and step."""
    steps = columns.t // step_s * step_s
    rows = [
        (series, t, *_combine(columns, at)) for (series, t), at in _groups(columns.series, steps)
    ]
    return Columns.of(columns.names, rows)


def _groups(
    series: NDArray[np.int64], steps: NDArray[np.int64]
) -> Iterator[tuple[tuple[int, int], NDArray[np.int64]]]:
    """((series, step), indices of their rows)."""
    order = np.lexsort((steps, series))
    changes = np.flatnonzero(np.diff(series[order]) | np.diff(steps[order])) + 1
    for at in np.split(order, changes):
        if at.size:
            yield (int(series[at[0]]), int(steps[at[0]])), at


def _combine(columns: Columns, at: NDArray[np.int64]) -> Any:
    total = math.fsum(columns.value[at].tolist())
    if columns.bins[at[0]] is None:
        return total, 0, 0, None, None, None
    domain = BY_NAME[columns.names[columns.series[at[0]]].metric].domain
    assert domain is not None, "only sketches have bins"
    merged = _sketch_of(columns, at, total=total)
    low, high = float(columns.low[at].min()), float(columns.high[at].max())
    return total, merged.count, merged.zero_count, low, high, encode_bins(merged)


def _sketch_of(columns: Columns, at: NDArray[np.int64], *, total: float) -> Sketch:
    domain = BY_NAME[columns.names[columns.series[at[0]]].metric].domain
    assert domain is not None, "only sketches have bins"
    return make_sketch(
        domain,
        bins=[columns.bins[i] or b"" for i in at],
        zero=int(columns.zero[at].sum()),
        total=total,
        low=float(columns.low[at].min()),
        high=float(columns.high[at].max()),
    )


def to_series(columns: Columns) -> dict[str, Mapping[Labels, Value]]:
    """One value for every series: what all its rows counted together."""
    series: dict[str, dict[Labels, Value]] = {}
    one = np.zeros_like(columns.t)
    for (place, _), at in _groups(columns.series, one):
        name = columns.names[place]
        metric = BY_NAME.get(name.metric)
        if metric is None or len(metric.labels) != len(name.labels):
            continue  # of another version
        total = math.fsum(columns.value[at].tolist())
        value: Value = total
        if metric.domain is not None:
            value = _sketch_of(columns, at, total=total)
        series.setdefault(name.metric, {})[name.labels] = value
    return dict(series)
