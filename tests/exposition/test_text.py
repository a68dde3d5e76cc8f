import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from litellm_obs_plugin.exposition import text
from litellm_obs_plugin.exposition.bucket import buckets_of
from litellm_obs_plugin.exposition.number import format_number
from litellm_obs_plugin.metrics.catalog import CATALOG
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch, edge
from litellm_obs_plugin.metrics.snapshot import Snapshot

seconds = st.lists(st.floats(min_value=0, max_value=1e6), max_size=50)


def snapshot_of(**series):
    return Snapshot(started_at=0, taken_at=1, series=series)


def samples(page):
    families = text_string_to_metric_families(page.decode())
    return {(s.name, *sorted(s.labels.items())): s.value for f in families for s in f.samples}


def test_page(page, golden):
    """The whole page, byte for byte. A deliberate change edits the golden file."""
    assert (golden / "metrics.txt").read_bytes() == text.render(page)


@pytest.mark.parametrize(
    "name",
    [
        "llm_gateway_request_duration_seconds",
        "llm_gateway_request_duration_seconds_bucket",
        "llm_gateway_request_duration_seconds_sum",
        "llm_gateway_request_duration_seconds_count",
    ],
)
def test_names_filter_by_family_or_sample(page, name):
    """A histogram is asked for by its own name or by that of any of its samples."""
    families = list(text_string_to_metric_families(text.render(page, names=[name]).decode()))

    assert ["llm_gateway_request_duration_seconds"] == [f.name for f in families]


def test_a_name_nobody_has_gives_an_empty_page(page):
    assert b"" == text.render(page, names=["nothing"])


@given(names=st.tuples(st.text(), st.text()))
def test_any_label_value_comes_back(names):
    """Newlines, quotes, backslashes and any other text survive the page."""
    labels = (*names, "true", "success")
    page = text.render(snapshot_of(requests_total={labels: 1.0}))

    (family,) = text_string_to_metric_families(page.decode())
    (sample,) = family.samples

    keys = ("model_group", "operation", "stream", "outcome")
    assert dict(zip(keys, labels, strict=True)) == sample.labels


def test_text_that_utf8_cannot_carry_does_not_break_the_page():
    page = text.render(snapshot_of(plugin_errors_total={("a\ud800b",): 1.0}))

    assert b'{stage="a?b"} 1.0' in page


@given(values=seconds)
def test_buckets_count_what_lies_under_their_bound(values):
    """Bounds are bin edges, so classic buckets are exact, not within 1 %."""
    sketch = Sketch.of(SECONDS, values)
    page = samples(text.render(snapshot_of(time_to_first_token_seconds={("p", "m"): sketch})))
    name = "llm_gateway_time_to_first_token_seconds"
    labels = (("model", "m"), ("provider", "p"))

    assert len(values) == page[(name + "_count", *labels)]
    assert sum(values) == pytest.approx(page[(name + "_sum", *labels)])
    for bound in buckets_of(SECONDS).bounds:
        key = (name + "_bucket", ("le", format_number(bound)), *labels)
        assert sum(v <= bound for v in values) == page[key]


@pytest.mark.parametrize("domain", {metric.domain for metric in CATALOG if metric.domain})
def test_bounds_are_inner_edges_of_bins(domain):
    """The last finite bound lies below the domain's end, where larger values collapse."""
    *finite, last = buckets_of(domain).bounds

    assert math.inf == last
    assert finite == sorted(set(finite))
    assert edge(domain.low_key) <= finite[0]
    assert finite[-1] < edge(domain.high_key)
    assert all(edge(round(math.log2(bound) * 32)) == bound for bound in finite)


@given(value=st.floats())
def test_numbers_read_back(value):
    assert float(format_number(value)) == pytest.approx(value, rel=0, abs=0, nan_ok=True)
