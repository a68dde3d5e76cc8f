import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.exposition import protobuf
from litellm_obs_plugin.exposition.bucket import buckets_of
from litellm_obs_plugin.exposition.native import native_buckets
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot

NAME = "time_to_first_token_seconds"
sketches = st.lists(
    st.floats(min_value=0, max_value=1e6) | st.sampled_from([0.0, 1.0, 1.001, 2.0, 2.05]),
    max_size=60,
).map(lambda values: Sketch.of(SECONDS, values))


@pytest.fixture(scope="session")
def histogram(decode):
    """What a scraper reads of one sketch."""

    def read(sketch, **options):
        series = {NAME: {("p", "m"): sketch}}
        page = protobuf.render(Snapshot(started_at=0, taken_at=1, series=series), **options)
        (metric,) = decode(page)["llm_gateway_" + NAME]["metrics"]
        assert {"provider": "p", "model": "m"} == metric["labels"]
        return metric["histogram"]

    return read


def test_page(page, golden):
    """The whole page, byte for byte. A deliberate change edits the golden file."""
    assert (golden / "metrics.pb").read_bytes() == protobuf.render(page)


def test_counters_and_gauges(page, decode):
    families = decode(protobuf.render(page))
    requests, active = (
        families["llm_gateway_requests_total"],
        families["llm_gateway_plugin_active_series"],
    )

    assert [0, 1] == [requests["type"], active["type"]]
    assert [2e16, 1.0, 12.0] == [metric["counter"] for metric in requests["metrics"]]
    assert 'a "b"\\\nc' == requests["metrics"][0]["labels"]["model_group"]
    assert [{"labels": {}, "gauge": 6.0}] == active["metrics"]
    assert "usd" == families["llm_gateway_cost_usd_total"]["unit"]


def test_only_the_named_families(page, decode):
    names = ["llm_gateway_requests_total"]

    assert names == list(decode(protobuf.render(page, names=names)))


def test_exemplars_stand_on_classic_buckets(page, decode):
    """Prometheus reads them there, for native histograms as well."""
    (metric,) = decode(protobuf.render(page))["llm_gateway_request_duration_seconds"]["metrics"]
    found = {b["bound"]: b["exemplar"] for b in metric["histogram"]["buckets"] if b["exemplar"]}

    assert {0.25, 4.0} == found.keys()
    assert {"trace_id": "ab" * 16, "request_id": "r-3"} == found[4.0]["labels"]
    assert 2.5 == found[4.0]["value"]
    assert found[4.0]["recorded_at"] == pytest.approx(1_749_999_998.25)


@given(sketch=sketches)
def test_bins_are_native_buckets_of_schema_5(sketch, histogram):
    """Nothing is lost between the sketch and the scraper."""
    read = histogram(sketch)
    bins = {key: n for key, n in enumerate(sketch.bins.tolist(), sketch.domain.low_key) if n}

    assert 5 == read["schema"]
    assert bins == read["native"]
    assert [sketch.count, sketch.zero_count] == [read["count"], read["zero_count"]]
    assert read["sum"] == sketch.sum


@given(sketch=sketches, schema=st.integers(-4, 5), max_buckets=st.integers(1, 40))
def test_coarsening_keeps_counts(sketch, schema, max_buckets, histogram):
    """A coarser bucket holds exactly the finer ones inside it."""
    read = histogram(sketch, schema=schema, max_buckets=max_buckets)
    joined = {}
    for key, count in histogram(sketch)["native"].items():
        coarse = math.ceil(key / 2 ** (5 - read["schema"]))
        joined[coarse] = joined.get(coarse, 0) + count

    assert joined == read["native"]
    assert read["count"] == read["zero_count"] + sum(read["native"].values())
    assert read["schema"] <= schema
    assert len(read["native"]) <= max_buckets or read["schema"] == -4


@given(values=st.lists(st.floats(min_value=0, max_value=1e6), max_size=60))
def test_the_schema_of_a_growing_sketch_only_falls(values):
    """Prometheus takes a finer schema for a counter reset."""
    sketch, schemas = Sketch.empty(SECONDS), []
    for value in values:
        sketch.add(value)
        schemas.append(native_buckets(sketch, schema=5, max_buckets=8).schema)

    assert all(later <= earlier for earlier, later in itertools.pairwise(schemas))


@given(sketch=sketches)
def test_classic_buckets_are_those_of_the_text(sketch, histogram):
    buckets = histogram(sketch)["buckets"]
    (counts,) = buckets_of(SECONDS).cumulate([sketch])

    assert counts == [bucket["count"] for bucket in buckets]
    assert list(buckets_of(SECONDS).bounds) == [bucket["bound"] for bucket in buckets]


def test_a_sketch_of_zeros_is_still_a_native_histogram(histogram):
    """Prometheus tells one from a classic histogram by a span, even an empty one."""
    read = histogram(Sketch.of(SECONDS, [0.0, 0.0]))

    assert [1, {}, 2] == [read["spans"], read["native"], read["zero_count"]]


def test_large_counts_and_deltas(histogram):
    """A count of many bytes, then a fall to 1: both signs, past the table of short numbers."""
    sketch = Sketch.of(SECONDS, [1.0, 1.01, 4.0])
    sketch.bins[-SECONDS.low_key] = 10**15

    assert {0: 10**15, 1: 1, 64: 1} == histogram(sketch)["native"]


def test_text_that_utf8_cannot_carry_does_not_break_the_page(decode):
    series = {"plugin_errors_total": {("a\ud800b",): 1.0}}
    page = protobuf.render(Snapshot(started_at=0, taken_at=1, series=series))

    (metric,) = decode(page)["llm_gateway_plugin_errors_total"]["metrics"]
    assert {"stage": "a?b"} == metric["labels"]
