import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as client_openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from litellm_obs_plugin.exposition import openmetrics, text
from litellm_obs_plugin.exposition.collector import SnapshotCollector


def contents(families):
    """What a page says; the two writers differ in whether a sum or a count comes first."""
    return [
        (f.name, f.documentation, f.type, f.unit, sorted(f.samples, key=repr)) for f in families
    ]


@pytest.fixture
def registry(page):
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(lambda: page))
    return registry


def test_prometheus_client_writes_the_same_text(page, registry):
    """An independent writer agrees on every family, sample and value."""
    theirs = text_string_to_metric_families(generate_latest(registry).decode())
    ours = text_string_to_metric_families(text.render(page).decode())

    assert contents(theirs) == contents(ours)


def test_prometheus_client_writes_the_same_openmetrics(page, registry):
    """Units and exemplars agree as well."""
    parse = openmetrics_parser.text_string_to_metric_families
    theirs = parse(client_openmetrics.generate_latest(registry).decode())

    assert contents(theirs) == contents(parse(openmetrics.render(page).decode()))


def test_registering_reads_no_snapshot():
    """A snapshot costs milliseconds and may not be there yet when the application starts."""
    reads = []

    CollectorRegistry().register(SnapshotCollector(lambda: reads.append(1)))

    assert [] == reads


def test_a_name_of_ours_cannot_be_registered_twice(registry, page):
    with pytest.raises(ValueError, match="llm_gateway_requests"):
        registry.register(SnapshotCollector(lambda: page))
