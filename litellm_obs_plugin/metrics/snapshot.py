"""What all series were at one instant: immutable, mergeable, read by every surface."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from litellm_obs_plugin.metrics.catalog import BY_NAME, Kind, Labels
from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import Sketch, merge

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

    def numbers(self, metric: str, **where: str) -> Iterator[tuple[Labels, float]]:
        """(label values, value) of a counter or gauge, where the labels have these values."""
        for labels, value in self._select(metric, where):
            if not isinstance(value, Sketch):
                yield labels, value

    def total(self, metric: str, **where: str) -> float:
        """The sum of a counter over all series where the labels have these values."""
        return math.fsum(value for _, value in self.numbers(metric, **where))

    def by(self, metric: str, label: str, **where: str) -> dict[str, float]:
        """The sums of a counter by the values of one label, largest first."""
        at = BY_NAME[metric].labels.index(label)
        parts: dict[str, list[float]] = {}
        for labels, value in self.numbers(metric, **where):
            parts.setdefault(labels[at], []).append(value)
        sums = {key: math.fsum(values) for key, values in parts.items()}
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    def sketch(self, metric: str, **where: str) -> Sketch | None:
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
    gathered: dict[str, dict[Labels, list[Value]]] = {}
    for part in every:
        for metric, series in part.series.items():
            values = gathered.setdefault(metric, {})
            for labels, value in series.items():
                values.setdefault(labels, []).append(value)
    return Snapshot(
        started_at=min(part.started_at for part in every),
        taken_at=max(part.taken_at for part in every),
        workers=sum(part.workers for part in every),
        damaged_files=sum(part.damaged_files for part in every),
        series={m: {k: _joined(v) for k, v in s.items()} for m, s in gathered.items()},
    )


def _joined(values: list[Value]) -> Value:
    sketches = [v for v in values if isinstance(v, Sketch)]
    if not sketches:
        return math.fsum(v for v in values if not isinstance(v, Sketch))
    merged = sketches[0] if len(sketches) == 1 else merge(sketches)
    assert merged is not None
    return merged


def difference(later: Snapshot, earlier: Snapshot) -> Snapshot:
    """What was recorded between two snapshots of the same state. Gauges keep their later value."""

    def since(metric: str, labels: Labels, value: Value) -> Value:
        old = earlier.series.get(metric, {}).get(labels)
        if isinstance(value, Sketch):
            return value.minus(old) if isinstance(old, Sketch) else value
        if BY_NAME[metric].kind is Kind.GAUGE or not isinstance(old, float):
            return value
        return value - old

    return Snapshot(
        started_at=earlier.taken_at,
        taken_at=later.taken_at,
        workers=later.workers,
        damaged_files=later.damaged_files,
        series=_mapped(later, since),
    )


def _mapped(
    snapshot: Snapshot, change: Callable[[str, Labels, Value], Value]
) -> dict[str, dict[Labels, Value]]:
    return {
        metric: {labels: change(metric, labels, value) for labels, value in series.items()}
        for metric, series in snapshot.series.items()
    }
