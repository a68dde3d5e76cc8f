"""Snapshots as a collector, for people who keep a registry of prometheus_client."""

from collections.abc import Callable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import Metric as ClientFamily

from litellm_obs_plugin.exposition.exemplar import label_pairs, place
from litellm_obs_plugin.exposition.family import Family, Histogram, base_name, select
from litellm_obs_plugin.metrics.catalog import CATALOG, Kind
from litellm_obs_plugin.metrics.snapshot import Snapshot

Bucket = tuple[str, float] | tuple[str, float, Exemplar]


class SnapshotCollector:
    """Every collection reads one new snapshot: `registry.register(SnapshotCollector(read))`."""

    def __init__(self, read: Callable[[], Snapshot]) -> None:
        self._read = read

    def collect(self) -> Iterator[ClientFamily]:
        for family in select(self._read()):
            yield _filled(family)

    def describe(self) -> Iterator[ClientFamily]:
        """Every family that may come, without samples: registering reads no snapshot."""
        for metric in CATALOG:
            yield _empty(Family(metric=metric, series={}))


def _empty(family: Family) -> CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily:
    name, help = base_name(family.metric), family.metric.help
    labels, unit = family.metric.labels, family.unit
    match family.metric.kind:
        case Kind.COUNTER:
            return CounterMetricFamily(name, help, labels=labels, unit=unit)
        case Kind.GAUGE:
            return GaugeMetricFamily(name, help, labels=labels, unit=unit)
        case Kind.SKETCH:
            return HistogramMetricFamily(name, help, labels=labels, unit=unit)


def _filled(family: Family) -> ClientFamily:
    client = _empty(family)
    if isinstance(client, HistogramMetricFamily):
        for histogram in family.histograms:
            client.add_metric(
                histogram.labels, _buckets(family, histogram), sum_value=histogram.sketch.sum
            )
    else:
        for values in sorted(family.numbers):
            client.add_metric(values, family.numbers[values])
    return client


def _buckets(family: Family, histogram: Histogram) -> list[Bucket]:
    buckets: list[Bucket] = list(zip(family.buckets.le, histogram.counts, strict=True))
    placed = place(family.exemplars.get(histogram.labels, ()), bounds=family.buckets.bounds)
    for at, found in placed.items():
        exemplar = Exemplar(dict(label_pairs(found)), found.value, found.recorded_at)
        buckets[at] = (family.buckets.le[at], histogram.counts[at], exemplar)
    return buckets
