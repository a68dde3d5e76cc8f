"""Rendering a page, on the render thread of a scrape.

Budget, two shared cores: text of 10,000 samples 15 ms, protobuf of 500 sketches 80 ms. A page's
first rendering also builds the label strings, about 2 µs a series.
"""

import random

import pytest

from litellm_obs_plugin.exposition import openmetrics, protobuf, text
from litellm_obs_plugin.metrics.catalog import CATALOG, Kind
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot


def labels_of(metric, number):
    return tuple(f"{name}-{number % (7 + at)}-{number}" for at, name in enumerate(metric.labels))


def snapshot_of(metrics, *, series, make):
    """*series* series, spread over the labelled ones of *metrics* in no order."""
    source = random.Random(1)
    labelled = [metric for metric in metrics if metric.labels]
    each = -(-series // len(labelled))
    return Snapshot(
        started_at=0,
        taken_at=1,
        series={
            metric.name: {
                labels_of(metric, number): make(metric, source)
                for number in source.sample(range(each), each)
            }
            for metric in labelled
        },
    )


def a_count(metric, source):
    return float(source.randrange(100_000))


def a_sketch(metric, source):
    """1,000 values over some eight octaves: about 180 filled bins."""
    return Sketch.of(metric.domain, (source.lognormvariate(0.6, 0.8) for _ in range(1000)))


@pytest.fixture(scope="module")
def counters():
    rows = [metric for metric in CATALOG if metric.kind is Kind.COUNTER]
    return snapshot_of(rows, series=10_000, make=a_count)


@pytest.fixture(scope="module")
def sketches():
    rows = [metric for metric in CATALOG if metric.kind is Kind.SKETCH]
    return snapshot_of(rows, series=500, make=a_sketch)


@pytest.mark.benchmark(group="budget 15 ms")
def test_text_of_10_000_counters(benchmark, counters):
    assert benchmark(text.render, counters).count(b"\n") >= 10_000


@pytest.mark.benchmark(group="budget 15 ms")
def test_text_of_500_sketches(benchmark, sketches):
    """Some 11,500 lines."""
    assert benchmark(text.render, sketches).count(b"\n") >= 10_000


@pytest.mark.benchmark(group="budget 15 ms")
def test_openmetrics_of_500_sketches(benchmark, sketches):
    assert benchmark(openmetrics.render, sketches).count(b"\n") >= 10_000


@pytest.mark.benchmark(group="budget 80 ms")
def test_protobuf_of_500_sketches(benchmark, sketches):
    assert benchmark(protobuf.render, sketches)


@pytest.mark.benchmark(group="budget 80 ms")
def test_protobuf_of_500_coarse_sketches(benchmark, sketches):
    assert benchmark(protobuf.render, sketches, max_buckets=80)
