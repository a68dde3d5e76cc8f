from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from litellm_obs_plugin.exposition import openmetrics
from litellm_obs_plugin.exposition.exemplar import label_pairs, place
from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot

EXEMPLAR = Exemplar(value=1.5, trace_id="a" * 32, request_id="r-1", recorded_at=100.0)


def test_page(page, golden):
    """The whole page, byte for byte. A deliberate change edits the golden file."""
    assert (golden / "openmetrics.txt").read_bytes() == openmetrics.render(page)


def test_page_satisfies_the_reference_parser(page):
    """It checks units, the end mark, exemplars, the order of buckets and clashing names."""
    families = {
        f.name: f for f in text_string_to_metric_families(openmetrics.render(page).decode())
    }

    assert "counter" == families["llm_gateway_requests"].type
    assert "seconds" == families["llm_gateway_request_duration_seconds"].unit
    assert "usd" == families["llm_gateway_cost_usd"].unit
    assert "" == families["llm_gateway_request_attempts"].unit


def test_only_the_named_families(page):
    parsed = text_string_to_metric_families(
        openmetrics.render(page, names=["llm_gateway_requests_total"]).decode()
    )

    assert ["llm_gateway_requests"] == [family.name for family in parsed]


def test_an_exemplar_stands_on_the_bucket_that_counts_its_value(page):
    """The later of two in one bucket wins."""
    families = text_string_to_metric_families(openmetrics.render(page).decode())
    found = {
        s.labels["le"]: s.exemplar for f in families for s in f.samples if s.exemplar is not None
    }

    assert {"0.25", "4.0"} == found.keys()
    assert {"trace_id": "ab" * 16, "request_id": "r-3"} == found["4.0"].labels
    assert 2.5 == found["4.0"].value
    assert {"request_id": "r-1"} == found["0.25"].labels


@given(value=st.floats(min_value=0, max_value=1e9))
def test_a_placed_exemplar_lies_in_its_bucket(value):
    bounds = (0.5, 1.0, 2.0, float("inf"))

    ((at, _),) = place([replace(EXEMPLAR, value=value)], bounds=bounds).items()

    assert value <= bounds[at]
    assert at == 0 or value > bounds[at - 1]


@given(trace=st.none() | st.text(), request=st.text(max_size=200))
def test_exemplar_labels_keep_to_the_limit(trace, request):
    """OpenMetrics allows 128 characters; an id that does not fit is left out whole."""
    pairs = label_pairs(replace(EXEMPLAR, trace_id=trace, request_id=request))

    assert sum(len(name) + len(value) for name, value in pairs) <= 128
    assert set(pairs) <= {("trace_id", trace), ("request_id", request)}


@pytest.mark.parametrize("request_id", ["x" * 200, ""])
def test_the_trace_outlasts_a_request_id_that_does_not_fit(request_id):
    assert (("trace_id", "a" * 32),) == label_pairs(replace(EXEMPLAR, request_id=request_id))


def test_an_exemplar_without_ids_is_left_out():
    assert {} == place([replace(EXEMPLAR, trace_id=None, request_id="")], bounds=(1.0,))


def page_with(*, request_id):
    labels, name = ("p", "m"), "time_to_first_token_seconds"
    exemplars = (replace(EXEMPLAR, request_id=request_id),)
    return openmetrics.render(
        Snapshot(
            started_at=0,
            taken_at=1,
            series={name: {labels: Sketch.of(SECONDS, [1.5])}},
            exemplars={name: {labels: exemplars}},
        )
    )


# The reference parser stumbles over escaped quotes and over braces in exemplars.
@given(request=st.text(st.characters(codec="utf-8", exclude_characters='"{}#'), min_size=1))
def test_any_request_id_comes_back(request):
    """Request ids come from callers."""
    (family,) = text_string_to_metric_families(page_with(request_id=request[:40]).decode())
    (exemplar,) = (s.exemplar for s in family.samples if s.exemplar is not None)

    assert request[:40] == exemplar.labels["request_id"]


def test_a_request_id_is_escaped():
    assert rb'request_id="a\"}\\b\nc"} 1.5 100.000' in page_with(request_id='a"}\\b\nc')
