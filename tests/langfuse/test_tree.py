from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings

from litellm_obs_plugin.langfuse.encode import encode
from litellm_obs_plugin.langfuse.observation import Kind, Level
from litellm_obs_plugin.langfuse.tree import Stamp, build_tree, count_observations
from litellm_obs_plugin.record import (
    CircuitChange,
    CircuitState,
    Cost,
    CostStatus,
    ErrorType,
    Outcome,
    TraceDetails,
)
from tests.langfuse.requests import (
    NOW,
    OVERLOADED,
    PRIMARY,
    TRACE_ID,
    answered,
    failed,
    request,
    requests,
)
from tests.peers.langfuse_mapping import read_records

STAMP = Stamp(environment="prod", release="r1")


def build(*args, **changed):
    return build_tree(request(**changed), stamp=STAMP)


def test_a_failover():
    tree = build()

    assert [(o.kind, o.name, o.level) for o in tree.observations] == [
        (Kind.SPAN, "litellm.request", Level.WARNING),
        (Kind.GENERATION, "attempt 1 openai/gpt-4o", Level.ERROR),
        (Kind.GENERATION, "attempt 2 openai/gpt-4o", Level.ERROR),
        (Kind.EVENT, "provider.failover", Level.WARNING),
        (Kind.GENERATION, "attempt 3 mistral/large", Level.DEFAULT),
    ]
    root, first, _, event, answer = tree.observations
    assert first.cost_usd == {"total": 0}
    assert first.status_message == "ServiceUnavailableError 503: the engine is overloaded"
    assert answer.cost_usd == {
        "input": 3e-05,
        "input_cached_tokens": 1e-05,
        "output": 3e-05,
        "total": 7e-05,
    }
    assert answer.usage == {
        "input": 100,
        "output": 20,
        "input_cached_tokens": 20,
        "output_reasoning_tokens": 10,
        "total": 150,
    }
    assert answer.first_token_at == pytest.approx(NOW + 2.25)
    assert event.started_at == answer.started_at
    assert (root.started_at, root.ended_at) == (NOW, NOW + 3)


def test_times_and_shares_of_the_request():
    found = build().observations[0].metadata

    assert found["total_ms"] == 3000
    assert found["provider_ms"] == pytest.approx(1150)
    assert found["backoff_ms"] == pytest.approx(1500)
    assert found["queue_ms"] == 1
    assert found["overhead_ms"] == pytest.approx(3000 - 1150 - 1500 - 1)
    assert (found["attempts"], found["retries"], found["failovers"]) == (3, 1, 1)
    assert found["trace_cost_usd"] == 7e-05
    assert found["route"] == "primary/dep-primary x2 > backup/dep-backup"


def test_whose_cost_it_is_stands_on_every_attempt():
    for observation in build().observations:
        if observation.kind is not Kind.EVENT:
            assert observation.metadata["team"] == "blue"
            assert observation.metadata["key"] == "ci"


def test_the_trace():
    tree = build()

    assert (tree.trace_id, tree.name) == (TRACE_ID, "litellm.request")
    assert (tree.user, tree.session, tree.tags) == ("eve", "s-1", ("a", "b"))
    assert (tree.environment, tree.release) == ("prod", "r1")


def test_a_name_that_the_caller_gives():
    assert build(details=TraceDetails(name="support")).name == "support"


def test_all_failed():
    tree = build(attempts=(failed(), failed(NOW + 1)), failovers=(), outcome=Outcome.ERROR)

    assert [o.cost_usd for o in tree.observations] == [None, {"total": 0}, {"total": 0}]
    assert {o.level for o in tree.observations} == {Level.ERROR}


def test_a_broken_stream_that_has_a_price():
    """What it cost stands on it, as in every other book: the provider bills what it has sent."""
    broken = replace(answered(), outcome=Outcome.ERROR, failure=OVERLOADED)

    tree = build(attempts=(broken,), failovers=(), outcome=Outcome.ERROR)

    assert tree.observations[1].cost_usd["total"] == 7e-05
    assert tree.observations[1].metadata["billed"] is True
    assert tree.observations[0].metadata["trace_cost_usd"] == 7e-05


def test_no_price_is_zero_and_said():
    """Or Langfuse would make up one."""
    unpriced = Cost(status=CostStatus.UNPRICED, total_usd=None, unpriced_reason="no_price")

    tree = build(attempts=(replace(answered(), cost=unpriced),), failovers=())

    assert tree.observations[1].cost_usd == {"total": 0}
    assert tree.observations[1].metadata["cost_status"] == "unpriced"


def test_without_price():
    """Beside LiteLLM's own generations: no model, no usage, no cost, no name of the trace."""
    tree = build_tree(request(), stamp=STAMP, priced=False)

    assert {o.kind for o in tree.observations} == {Kind.SPAN, Kind.EVENT}
    assert tree.name is None
    for o in tree.observations:
        assert o.model is o.usage is o.cost_usd is None


def test_a_group_that_was_not_even_tried():
    tree = build(attempts=(answered(),))

    assert [o.kind for o in tree.observations] == [Kind.SPAN, Kind.EVENT, Kind.GENERATION]


def test_a_circuit():
    change = CircuitChange(
        deployment=PRIMARY,
        state=CircuitState.OPEN,
        at=NOW + 0.35,
        reason=ErrorType.OVERLOADED,
        recovers_at=NOW + 5.35,
    )

    tree = build_tree(request(), stamp=STAMP, circuits=[change])

    event = tree.observations[2]
    assert (event.name, event.started_at) == ("circuit.open", NOW + 0.35)
    assert event.metadata["recovers_after_ms"] == pytest.approx(5000)


def test_texts_stand_on_the_request_and_on_the_answer():
    """Not on attempts that failed: they had the same prompt."""
    tree = build(details=TraceDetails(input='"hi"', output='"ho"'))

    assert [o.input for o in tree.observations] == ['"hi"', None, None, None, '"hi"']


@settings(deadline=None)  # a busy machine has no bearing on it
@given(one=requests())
def test_whatever_happened(one):
    """The trace costs what the request cost; what Langfuse stores is sound."""
    tree = build_tree(one, stamp=STAMP)
    records = read_records(encode([tree], version="1"), project="p")

    assert len(records) == count_observations(one)
    assert [r.parent_id for r in records].count(None) == 1
    assert len({r.id for r in records}) == len(records)
    assert not any(r.phantom for r in records)
    expected = one.cost_usd or 0.0
    total = math.fsum(r.total_cost or 0.0 for r in records)
    assert total == pytest.approx(expected, abs=1e-12)
    assert records[0].metadata["trace_cost_usd"] == pytest.approx(expected, abs=1e-12)
