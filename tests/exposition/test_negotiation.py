import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.exposition.negotiation import Format, choose

PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
TEXT = "text/plain;version=0.0.4"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("", Format.TEXT, id="nothing said"),
        pytest.param("*/*", Format.TEXT, id="curl"),
        pytest.param(
            f"{PROTOBUF},{OPENMETRICS};q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
            f"{TEXT};q=0.5,*/*;q=0.1",
            Format.PROTOBUF,
            id="Prometheus 2.42 with native histograms",
        ),
        pytest.param(
            f"{OPENMETRICS},application/openmetrics-text;version=0.0.1;q=0.75,{TEXT};q=0.5,"
            "*/*;q=0.1",
            Format.OPENMETRICS,
            id="Prometheus 2.42",
        ),
        pytest.param(
            f"{OPENMETRICS};escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            f"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,{TEXT};q=0.3,*/*;q=0.2",
            Format.OPENMETRICS,
            id="Prometheus 3",
        ),
        pytest.param(
            f"{PROTOBUF};q=0.7,{OPENMETRICS};escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            f"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,{TEXT};q=0.3,*/*;q=0.2",
            Format.PROTOBUF,
            id="Prometheus 3 with native histograms",
        ),
        pytest.param(
            f"{OPENMETRICS};escaping=underscores;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            f"text/plain;version=1.0.0;escaping=underscores;q=0.4,{TEXT};q=0.3,*/*;q=0.2",
            Format.OPENMETRICS,
            id="OpenTelemetry collector, Grafana Alloy: Prometheus as a library",
        ),
        pytest.param("text/plain", Format.TEXT, id="Datadog agent"),
        pytest.param(
            "application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Format.TEXT,
            id="Prometheus 2.5, before OpenMetrics 1.0",
        ),
        pytest.param("text/plain;version=0.0.4;q=1", Format.TEXT, id="VictoriaMetrics"),
        pytest.param("application/openmetrics-text", Format.OPENMETRICS, id="no version"),
        pytest.param(f"{TEXT};q=0.2, {OPENMETRICS};q=0.9", Format.OPENMETRICS, id="by quality"),
        pytest.param(f"{OPENMETRICS};q=0, {TEXT};q=0.1", Format.TEXT, id="q=0 refuses"),
        pytest.param(f"{OPENMETRICS}, {TEXT}", Format.OPENMETRICS, id="first of equals"),
        pytest.param(f"{OPENMETRICS};q=high, {TEXT};q=0.1", Format.TEXT, id="bad quality"),
        pytest.param(
            'Application/OpenMetrics-Text; Version="1.0.0"', Format.OPENMETRICS, id="case, quotes"
        ),
        pytest.param("application/vnd.google.protobuf", Format.TEXT, id="another protobuf"),
        pytest.param("text/html,application/xml;q=0.9,*/*;q=0.8", Format.TEXT, id="browser"),
    ],
)
def test_choice(accept, expected):
    assert expected is choose(accept)


@given(accept=st.text(alphabet='a/*;,=q01. "-') | st.text())
def test_any_header_gets_a_format(accept):
    assert choose(accept) in Format
