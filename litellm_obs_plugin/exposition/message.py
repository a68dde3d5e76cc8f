"""The messages of `io.prometheus.client.MetricFamily`, as bytes.

Field numbers: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
"""

import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache

from litellm_obs_plugin.exposition import wire
from litellm_obs_plugin.exposition.native import NativeBuckets

# What client_golang uses: less than any value, but not 0, which would say "not a native histogram".
ZERO_THRESHOLD = 2.0**-128


class MetricType(IntEnum):
    """What kind of metric a family holds."""

    COUNTER = 0
    GAUGE = 1
    SUMMARY = 2
    UNTYPED = 3
    HISTOGRAM = 4
    GAUGE_HISTOGRAM = 5


def family(
    name: str, *, help: str, type: MetricType, metrics: Iterable[bytes], unit: str = ""
) -> bytes:
    """A family with its length in front, as a scrape answers it."""
    body = [wire.text(1, name), wire.text(2, help), wire.unsigned(3, type)]
    body += [wire.block(4, metric) for metric in metrics]
    if unit:
        body.append(wire.text(5, unit))
    return wire.delimited(b"".join(body))


# A process shows the same series scrape after scrape; the bound is a very busy page.
@lru_cache(maxsize=1 << 15)
def label_set(names: tuple[str, ...], values: tuple[str, ...]) -> bytes:
    return b"".join([label(n, v) for n, v in zip(names, values, strict=True)])


def label(name: str, value: str) -> bytes:
    """A label pair, as a metric and an exemplar hold it."""
    return wire.block(1, wire.text(1, name) + wire.text(2, value))


def gauge(value: float) -> bytes:
    return wire.block(2, wire.double(1, value))


def counter(value: float, *, exemplar: bytes = b"") -> bytes:
    return wire.block(3, wire.double(1, value) + (wire.block(2, exemplar) if exemplar else b""))


def summary(*, count: int, sum: float, quantiles: Iterable[tuple[float, float]]) -> bytes:
    body = [wire.unsigned(1, count), wire.double(2, sum)]
    body += [wire.block(3, wire.double(1, q) + wire.double(2, value)) for q, value in quantiles]
    return wire.block(4, b"".join(body))


def untyped(value: float) -> bytes:
    return wire.block(5, wire.double(1, value))


def histogram(*, count: int, sum: float, buckets: bytes, native: bytes = b"") -> bytes:
    """*buckets* and *native* are what `classic` and `native` give."""
    return wire.block(7, wire.unsigned(1, count) + wire.double(2, sum) + buckets + native)


def classic(
    bounds: Sequence[float], counts: Sequence[int], *, exemplars: dict[int, bytes]
) -> bytes:
    """Cumulative buckets; *exemplars* by the index of their bucket."""
    buckets = [
        wire.unsigned(1, count) + bound
        for count, bound in zip(counts, _upper_bounds(tuple(bounds)), strict=True)
    ]
    for at, exemplar in exemplars.items():
        buckets[at] += wire.block(3, exemplar)
    return b"".join([wire.block(3, bucket) for bucket in buckets])


@lru_cache(maxsize=64)
def _upper_bounds(bounds: tuple[float, ...]) -> list[bytes]:
    return [wire.double(2, bound) for bound in bounds]


def native(buckets: NativeBuckets, *, zero_count: int) -> bytes:
    # An empty span tells a histogram without values from one without native buckets.
    spans = buckets.spans() or [(0, 0)]
    return b"".join(
        [
            wire.signed(5, buckets.schema),
            wire.double(6, ZERO_THRESHOLD),
            wire.unsigned(7, zero_count),
            *(
                wire.block(12, wire.signed(1, offset) + wire.unsigned(2, length))
                for offset, length in spans
            ),
            wire.packed_signed(13, buckets.deltas()),
        ]
    )


def exemplar(
    labels: Iterable[tuple[str, str]], *, value: float, recorded_at: float | None
) -> bytes:
    """*recorded_at* is seconds since the epoch."""
    body = b"".join([label(name, text) for name, text in labels]) + wire.double(2, value)
    if recorded_at is None:
        return body
    seconds = math.floor(recorded_at)
    nanos = int((recorded_at - seconds) * 1e9)
    return body + wire.block(3, wire.unsigned(1, seconds) + wire.unsigned(2, nanos))
