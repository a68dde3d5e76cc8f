"""Families in the order of the catalogue, with their series sorted: what every format writes."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from litellm_obs_plugin.exposition.bucket import Buckets, buckets_of
from litellm_obs_plugin.metrics.catalog import CATALOG, Kind, Labels, Metric
from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Series, Snapshot

_TOTAL = "_total"
_HISTOGRAM_SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """One series of a sketch. *counts* are cumulative, one for each bound."""

    labels: Labels
    sketch: Sketch
    counts: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric with all its series."""

    metric: Metric
    series: Series
    exemplars: Mapping[Labels, tuple[Exemplar, ...]] = field(default_factory=dict)

    @property
    def numbers(self) -> Mapping[Labels, float]:
        """The series of a counter or gauge, in no order."""
        # What the values are follows from the kind; asking each of 10,000 would cost a millisecond.
        return cast(Mapping[Labels, float], self.series)

    @property
    def sketches(self) -> list[tuple[Labels, Sketch]]:
        """The series of a sketch, by label values."""
        series = self.series
        return [(k, v) for k in sorted(series) if isinstance(v := series[k], Sketch)]

    @property
    def buckets(self) -> Buckets:
        """The classic buckets that all series of a sketch have."""
        assert self.metric.domain is not None
        return buckets_of(self.metric.domain)

    @property
    def histograms(self) -> list[Histogram]:
        """The series of a sketch with their bucket counts, by label values."""
        sketches = self.sketches
        counts = self.buckets.cumulate(sketch for _, sketch in sketches)
        return [
            Histogram(labels=labels, sketch=sketch, counts=row)
            for (labels, sketch), row in zip(sketches, counts, strict=True)
        ]

    @property
    def unit(self) -> str:
        """The unit, when the name ends in it as OpenMetrics asks; else empty."""
        unit = self.metric.unit
        return unit if unit and base_name(self.metric).endswith("_" + unit) else ""


def select(snapshot: Snapshot, *, names: Collection[str] = ()) -> Iterator[Family]:
    """The families that have series, only those called one of *names* when there are names."""
    wanted = frozenset(names)
    for metric in CATALOG:
        series = snapshot.series.get(metric.name)
        if series and (not wanted or not wanted.isdisjoint(aliases(metric))):
            exemplars = snapshot.exemplars.get(metric.name, {})
            yield Family(metric=metric, series=series, exemplars=exemplars)


def base_name(metric: Metric) -> str:
    """The name of the family in OpenMetrics: a counter's without `_total`."""
    name = metric.full_name
    return name.removesuffix(_TOTAL) if metric.kind is Kind.COUNTER else name


def aliases(metric: Metric) -> tuple[str, ...]:
    """Every name a query may know the family by: its own and those of its samples."""
    match metric.kind:
        case Kind.COUNTER:
            return (metric.full_name, base_name(metric))
        case Kind.GAUGE:
            return (metric.full_name,)
        case Kind.SKETCH:
            name = metric.full_name
            return (name, *(name + suffix for suffix in _HISTOGRAM_SUFFIXES))
