"""What all series were at one instant: immutable, mergeable, read by every surface."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from litellm_obs_plugin.metrics.catalog import BY_NAME, NEWEST, Kind, Labels
from litellm_obs_plugin.metrics.exemplar import Exemplar, latest
from litellm_obs_plugin.metrics.mapping import Domain
from litellm_obs_plugin.metrics.sketch import Sketch, merge

T = TypeVar("T")
Value = float | Sketch
Series = Mapping[Labels, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Series by metric name and label values. Times are seconds since the epoch."""

    started_at: float
    taken_at: float
    workers: int = 1
    damaged_files: int = 0  # state files that could not be read and were left out
    series: Mapping[str, Series] = field(default_factory=dict)
    exemplars: Mapping[str, Mapping[Labels, tuple[Exemplar, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("series", "exemplars"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __len__(self) -> int:
        return sum(len(series) for series in self.series.values())

    def numbers(self, metric: str, /, **where: str) -> Iterator[tuple[Labels, float]]:
        """(label values, value) of a counter or gauge, where the labels have these values."""
        for labels, value in self._select(metric, where):
            if not isinstance(value, Sketch):
                yield labels, value

    def total(self, metric: str, /, **where: str) -> float:
        """The sum of a counter over all series where the labels have these values."""
        return math.fsum(value for _, value in self.numbers(metric, **where))

    def by(self, metric: str, label: str, /, **where: str) -> dict[str, float]:
        """The sums of a counter by the values of one label, largest first."""
        at = BY_NAME[metric].labels.index(label)
        parts: dict[str, list[float]] = {}
        for labels, value in self.numbers(metric, **where):
            parts.setdefault(labels[at], []).append(value)
        sums = {key: math.fsum(values) for key, values in parts.items()}
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    def sketch(self, metric: str, /, **where: str) -> Sketch | None:
        """One sketch over all series where the labels have these values; None without any."""
        return merge(v for _, v in self._select(metric, where) if isinstance(v, Sketch))

    def _select(self, metric: str, where: Mapping[str, str]) -> Iterator[tuple[Labels, Value]]:
        names = BY_NAME[metric].labels
        wanted = [(names.index(label), value) for label, value in where.items()]
        for labels, value in self.series.get(metric, {}).items():
            if all(labels[at] == expected for at, expected in wanted):
                yield labels, value

    def with_series(self, extra: Mapping[str, Series]) -> "Snapshot":
        """This snapshot with the series in *extra* in the place of its own."""
        return Snapshot(
            started_at=self.started_at,
            taken_at=self.taken_at,
            workers=self.workers,
            damaged_files=self.damaged_files,
            series={**self.series, **extra},
            exemplars=self.exemplars,
        )


def merge_snapshots(parts: Iterable[Snapshot]) -> Snapshot:
    """One snapshot of what all *parts* saw: counters and gauges add, sketches merge.

    Raises:
        ValueError: there are no parts.
    """
    every = list(parts)
    if not every:
        msg = "expected at least one snapshot"
        raise ValueError(msg)
    return Snapshot(
        started_at=min(part.started_at for part in every),
        taken_at=max(part.taken_at for part in every),
        workers=sum(part.workers for part in every),
        damaged_files=sum(part.damaged_files for part in every),
        series={
            metric: {labels: _joined(metric, values) for labels, values in series.items()}
            for metric, series in _gather(part.series for part in every).items()
        },
        exemplars={
            metric: {
                labels: latest(_domain(metric), chain.from_iterable(parts))
                for labels, parts in exemplars.items()
            }
            for metric, exemplars in _gather(part.exemplars for part in every).items()
        },
    )


def _gather(parts: Iterable[Mapping[str, Mapping[Labels, T]]]) -> dict[str, dict[Labels, list[T]]]:
    gathered: dict[str, dict[Labels, list[T]]] = {}
    for part in parts:
        for metric, series in part.items():
            values = gathered.setdefault(metric, {})
            for labels, value in series.items():
                values.setdefault(labels, []).append(value)
    return gathered


def _joined(metric: str, values: list[Value]) -> Value:
    if metric in NEWEST:
        return max(v for v in values if not isinstance(v, Sketch))
    merged = merge(v for v in values if isinstance(v, Sketch))
    return math.fsum(v for v in values if not isinstance(v, Sketch)) if merged is None else merged


def _domain(metric: str) -> Domain:
    domain = BY_NAME[metric].domain
    assert domain is not None, f"{metric} has exemplars but is no sketch"
    return domain


def difference(later: Snapshot, earlier: Snapshot) -> Snapshot:
    """What was recorded between two snapshots of the same state. Gauges keep their later value.

    A series that is smaller than it was has started anew: all of it is new.
    """

    def since(metric: str, labels: Labels, value: Value) -> Value:
        old = earlier.series.get(metric, {}).get(labels)
        if old is None or BY_NAME[metric].kind is Kind.GAUGE:
            return value
        if isinstance(value, Sketch) and isinstance(old, Sketch):
            return value.minus(old) if _continues(value, old) else value
        if isinstance(value, Sketch) or isinstance(old, Sketch):
            return value
        return value - old if value >= old else value

    return Snapshot(
        started_at=earlier.taken_at,
        taken_at=later.taken_at,
        workers=later.workers,
        damaged_files=later.damaged_files,
        series={
            metric: {labels: since(metric, labels, value) for labels, value in series.items()}
            for metric, series in later.series.items()
        },
        exemplars=later.exemplars,
    )


def _continues(later: Sketch, earlier: Sketch) -> bool:
    return (
        later.domain == earlier.domain
        and later.zero_count >= earlier.zero_count
        and bool((later.bins >= earlier.bins).all())
    )
