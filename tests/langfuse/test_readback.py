"""Reading cost back, from a server that has stored what we sent."""

from __future__ import annotations

import pytest

from litellm_obs_plugin.langfuse.readback import PATHS, ReadBack, ReadBackError
from litellm_obs_plugin.langfuse.tree import Stamp
from litellm_obs_plugin.record import Project
from tests.langfuse.requests import NOW, answered, request

DAY = "2026-11-24"  # of NOW


@pytest.fixture
def read(peer):
    """Reads the cost of a day: ``(day, **changes) -> costs``."""

    def costs(day: str = DAY, *, secret: str = "sk-test", environment: str | None = None):
        project = Project(public_key="pk-test", secret_key=secret, host=peer.url)
        reader = ReadBack(project=project, environment=environment, timeout_s=2)
        try:
            return reader.costs(day)
        finally:
            reader.close()

    return costs


@pytest.fixture
def stored(peer, start_tracer, wait_for):
    tracer = start_tracer(stamp=Stamp(environment="prod"))
    for n in range(10):
        tracer.record(request(n))
    tracer.record(request(99, attempts=(answered(NOW + 86_400),), failovers=()))
    wait_for(lambda: len(peer.trace_ids()) == 11)


@pytest.mark.parametrize("path", PATHS)
def test_what_was_sent_is_what_is_read(peer, read, stored, path):
    """By the newer way and, where the server does not know it, by the older."""
    peer.metrics_paths = {path}

    assert read() == {"large": pytest.approx(10 * 7e-05, abs=1e-12)}
    assert read("2026-11-25") == {"large": pytest.approx(7e-05, abs=1e-12)}
    assert read("2026-11-26") == {}


def test_only_our_environment(read, stored):
    assert read(environment="prod")
    assert read(environment="staging") == {}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"data": 5}, "something else"),
        ({}, "something else"),
        ([], "something else"),
        ({"data": [5]}, "something else"),
        ({"data": [{"sum_totalCost": "much"}]}, "something else"),
        ({"data": [{}] * 1000}, "more than 1000 models"),
    ],
)
def test_a_server_that_answers_garbage(peer, read, monkeypatch, answer, sentence):
    monkeypatch.setattr(peer, "answer_of_metrics", lambda query: answer)

    with pytest.raises(ReadBackError) as caught:
        read()

    assert sentence in str(caught.value)


def test_a_server_that_refuses(peer, read):
    with pytest.raises(ReadBackError, match="HTTP 401"):
        read(secret="sk-wrong")
    peer.fault = 500
    with pytest.raises(ReadBackError, match="HTTP 500"):
        read()


def test_cost_as_text(peer, read, monkeypatch):
    """As ClickHouse writes large numbers."""
    rows = [{"providedModelName": "m", "sum_totalCost": "1.5"}, {"sum_totalCost": None}]
    monkeypatch.setattr(peer, "answer_of_metrics", lambda query: {"data": rows})

    assert read() == {"m": 1.5}
