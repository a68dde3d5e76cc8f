import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
)
from prometheus_client.core import (
    GaugeHistogramMetricFamily,
    SummaryMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from litellm_obs_plugin.exposition import page as exposition
from litellm_obs_plugin.exposition.negotiation import Format


@pytest.fixture
def host():
    """A registry as the host's built-in callback fills one, with one family named as ours."""
    registry = CollectorRegistry()
    Counter("litellm_requests", "Requests.", ["model"], registry=registry).labels("a").inc(
        3, exemplar={"trace_id": "t"}
    )
    Gauge("litellm_in_flight", "Now.", registry=registry).set(2)
    latency = Histogram("litellm_latency", "s", ["m"], registry=registry, buckets=(0.5, 1))
    latency.labels("x").observe(0.7, exemplar={"trace_id": "u"})
    latency.labels("y").observe(7)
    Summary("litellm_size", "Bytes.", registry=registry).observe(10)
    Info("litellm_build", "Build.", registry=registry).info({"version": "1"})
    Enum("litellm_state", "State.", states=["up", "down"], registry=registry).state("up")
    Counter("llm_gateway_requests", "A twin.", registry=registry)
    return registry


def test_text_page_goes_on_with_the_hosts_families(page, host):
    body = exposition.render(page, Format.TEXT, others=host.collect()).decode()
    names = [family.name for family in parse_text(body)]

    assert "llm_gateway_requests" == names[0]
    assert {"litellm_requests", "litellm_latency", "litellm_build_info"} <= set(names)
    assert 1 == body.count("# TYPE llm_gateway_requests_total ")


def test_openmetrics_page_ends_once(page, host):
    body = exposition.render(page, Format.OPENMETRICS, others=host.collect()).decode()
    families = {family.name: family for family in parse_openmetrics(body)}

    assert 1 == body.count("# EOF\n")
    assert body.endswith("# EOF\n")
    assert {"llm_gateway_requests", "litellm_requests"} <= families.keys()
    assert "Finished requests" in families["llm_gateway_requests"].documentation


def test_host_families_in_protobuf(page, host, decode):
    families = decode(exposition.render(page, Format.PROTOBUF, others=host.collect()))
    metrics = {name: family["metrics"] for name, family in families.items()}

    assert "Finished requests" in families["llm_gateway_requests_total"]["help"]
    assert [{"labels": {"model": "a"}, "counter": 3.0}] == metrics["litellm_requests_total"]
    assert [{"labels": {}, "gauge": 2.0}] == metrics["litellm_in_flight"]
    assert [{"labels": {"version": "1"}, "gauge": 1.0}] == metrics["litellm_build_info"]
    assert {"up": 1.0, "down": 0.0} == {
        metric["labels"]["litellm_state"]: metric["gauge"] for metric in metrics["litellm_state"]
    }
    assert [{"count": 1, "sum": 10.0, "quantiles": {}}] == [
        metric["summary"] for metric in metrics["litellm_size"]
    ]


def test_host_histograms_in_protobuf(page, host, decode):
    """Each series keeps its own buckets and exemplars, and is not a native histogram."""
    body = exposition.render(page, Format.PROTOBUF, others=host.collect())
    x, y = decode(body)["litellm_latency"]["metrics"]

    assert [{"m": "x"}, {"m": "y"}] == [x["labels"], y["labels"]]
    assert [1, 0.7, None] == [x["histogram"][key] for key in ("count", "sum", "schema")]
    assert [0, 1, 1] == [bucket["count"] for bucket in x["histogram"]["buckets"]]
    assert {"trace_id": "u"} == x["histogram"]["buckets"][1]["exemplar"]["labels"]
    assert [0, 0, 1] == [bucket["count"] for bucket in y["histogram"]["buckets"]]


def test_families_of_custom_collectors_in_protobuf(page, decode):
    """The shapes that prometheus_client has no instrument for."""
    summary = SummaryMetricFamily("s", "S.", count_value=4, sum_value=2.0)
    summary.add_sample("s", {"quantile": "0.5"}, 0.25)
    others = [
        summary,
        UnknownMetricFamily("u", "U.", value=5.0),
        GaugeHistogramMetricFamily("g", "G.", buckets=[("1.0", 1), ("+Inf", 3)], gsum_value=9.0),
        UnknownMetricFamily("empty", "No samples.", labels=["a"]),
    ]
    families = decode(exposition.render(page, Format.PROTOBUF, others=others))

    assert {0.5: 0.25} == families["s"]["metrics"][0]["summary"]["quantiles"]
    assert [{"labels": {}, "untyped": 5.0}] == families["u"]["metrics"]
    assert 5 == families["g"]["type"]
    assert [3, 9.0] == [families["g"]["metrics"][0]["histogram"][key] for key in ("count", "sum")]
    assert "empty" not in families


@pytest.mark.parametrize("format", Format)
def test_names_filter_the_hosts_families_too(page, host, format):
    body = exposition.render(page, format, names=["litellm_latency_bucket"], others=host.collect())

    assert b"litellm_latency" in body
    assert b"litellm_requests" not in body
    assert b"llm_gateway" not in body


@pytest.mark.parametrize("format", Format)
def test_a_page_without_a_host_registry_is_ours_alone(page, format):
    assert exposition.render(page, format) == exposition.render(page, format, others=[])
