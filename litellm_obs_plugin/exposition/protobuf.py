"""Protobuf, delimited `io.prometheus.client.MetricFamily`: the format of native histograms.

A sketch is written twice in one message: as native buckets, and as the classic buckets of the text
formats for a Prometheus that does not keep native ones, or keeps both. Exemplars stand on classic
buckets, where Prometheus finds them for either form.
"""

from collections.abc import Collection, Iterator
from functools import partial

from litellm_obs_plugin.exposition import message
from litellm_obs_plugin.exposition.exemplar import label_pairs, place
from litellm_obs_plugin.exposition.family import Family, Histogram, select
from litellm_obs_plugin.exposition.message import MetricType
from litellm_obs_plugin.exposition.native import native_buckets
from litellm_obs_plugin.metrics.catalog import Kind
from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import SCHEMA
from litellm_obs_plugin.metrics.snapshot import Snapshot

MAX_BUCKETS = 320  # ten octaves, every bin of them filled: latencies keep schema 5


def render(
    snapshot: Snapshot,
    *,
    names: Collection[str] = (),
    schema: int = SCHEMA,
    max_buckets: int = MAX_BUCKETS,
) -> bytes:
    """The page, or only the families called one of *names*.

    Native buckets are of *schema*, coarser where a series would fill more than *max_buckets*.
    """
    write = partial(_family, schema=schema, max_buckets=max_buckets)
    return b"".join(map(write, select(snapshot, names=names)))


def _family(family: Family, *, schema: int, max_buckets: int) -> bytes:
    metric = family.metric
    write = partial(message.family, metric.full_name, help=metric.help, unit=family.unit)
    match metric.kind:
        case Kind.COUNTER:
            return write(type=MetricType.COUNTER, metrics=_counters(family))
        case Kind.GAUGE:
            return write(type=MetricType.GAUGE, metrics=_gauges(family))
        case Kind.SKETCH:
            histograms = _histograms(family, schema=schema, max_buckets=max_buckets)
            return write(type=MetricType.HISTOGRAM, metrics=histograms)


def _counters(family: Family) -> Iterator[bytes]:
    names, numbers = family.metric.labels, family.numbers
    for values in sorted(numbers):
        yield message.label_set(names, values) + message.counter(numbers[values])


def _gauges(family: Family) -> Iterator[bytes]:
    names, numbers = family.metric.labels, family.numbers
    for values in sorted(numbers):
        yield message.label_set(names, values) + message.gauge(numbers[values])


def _histograms(family: Family, *, schema: int, max_buckets: int) -> Iterator[bytes]:
    names = family.metric.labels
    for histogram in family.histograms:
        sketch = histogram.sketch
        native = native_buckets(sketch, schema=schema, max_buckets=max_buckets)
        yield message.label_set(names, histogram.labels) + message.histogram(
            count=histogram.counts[-1],
            sum=sketch.sum,
            buckets=_classic(family, histogram),
            native=message.native(native, zero_count=sketch.zero_count),
        )


def _classic(family: Family, histogram: Histogram) -> bytes:
    bounds = family.buckets.bounds
    placed = place(family.exemplars.get(histogram.labels, ()), bounds=bounds)
    exemplars = {at: _exemplar(exemplar) for at, exemplar in placed.items()}
    return message.classic(bounds, histogram.counts, exemplars=exemplars)


def _exemplar(exemplar: Exemplar) -> bytes:
    return message.exemplar(
        label_pairs(exemplar), value=exemplar.value, recorded_at=exemplar.recorded_at
    )
