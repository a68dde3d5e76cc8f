"""The wire: against the SDK's own names, and against what its own client sends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langfuse import Langfuse, propagate_attributes
from langfuse._client.attributes import LangfuseOtelSpanAttributes
from opentelemetry.sdk.trace import TracerProvider

from litellm_obs_plugin.langfuse import attribute
from litellm_obs_plugin.langfuse.encode import encode
from litellm_obs_plugin.langfuse.observation import Kind, Level, Observation, Tree
from litellm_obs_plugin.langfuse.tree import Stamp, build_tree
from litellm_obs_plugin.record import TraceDetails
from tests.langfuse.requests import NOW, TRACE_ID, request
from tests.peers.langfuse_mapping import read_records

OURS = {name: value for name, value in vars(attribute).items() if name.isupper()}


@pytest.mark.parametrize("name", OURS)
def test_names_are_the_sdks(name):
    assert getattr(LangfuseOtelSpanAttributes, name) == OURS[name]


def test_a_round_trip():
    tree = build_tree(request(), stamp=Stamp(environment="prod", release="r1"))

    records = read_records(encode([tree], version="1"), project="p")

    for record, sent in zip(records, tree.observations, strict=True):
        assert record.id == sent.id.hex()
        assert record.start_ms == pytest.approx(sent.started_at * 1000, abs=1)
        assert record.end_ms == pytest.approx(sent.ended_at * 1000, abs=1)
        assert record.metadata == sent.metadata
        assert record.level == sent.level
        assert (record.user_id, record.session_id) == ("eve", "s-1")
        assert record.tags == ("a", "b")
    assert records[-1].completion_start == "2026-11-24T03:30:02.250+00:00"


def test_many_traces_in_one_body():
    trees = [build_tree(request(n), stamp=Stamp()) for n in range(50)]

    records = read_records(encode(trees, version="1"), project="p")

    assert len(records) == 250
    assert len({r.trace_id for r in records}) == 50


@given(text=st.text(st.characters(categories=["L", "Cs", "Cc", "S"])))
def test_any_text_can_be_sent(text):
    """Callers and providers choose what is in it; protobuf takes no lone surrogates."""
    details = TraceDetails(name=text, user=text, session=text, input=text)
    body = encode([build_tree(request(details=details), stamp=Stamp())], version="1")

    assert read_records(body, project="p")


def test_the_sdks_own_client_is_stored_the_same(peer, wait_for):
    """The same generation, once by Langfuse's SDK 4 and once by us: the same fields."""
    client = Langfuse(
        public_key="pk-test",
        secret_key="sk-test",
        base_url=peer.url,
        environment="prod",
        release="r1",
        tracer_provider=TracerProvider(),
    )
    known = {"trace_id": TRACE_ID}
    first_token_at = datetime.fromtimestamp(NOW + 0.25, tz=UTC)
    with (
        propagate_attributes(user_id="eve", session_id="s-1", tags=["a"], trace_name="t"),
        client.start_as_current_observation(name="root", as_type="span", trace_context=known),
    ):
        generation = client.start_observation(
            name="attempt",
            as_type="generation",
            model="gpt-4o",
            model_parameters={"temperature": 0.5},
            input=[{"role": "user", "content": "hi"}],
            output={"role": "assistant", "content": "ho"},
            level="WARNING",
            status_message="slow",
            usage_details={"input": 12, "output": 4, "total": 16},
            cost_details={"input": 1e-05, "output": 2e-05, "total": 3e-05},
            completion_start_time=first_token_at,
            metadata={"provider": "openai", "attempt": 1, "billed": True},
        )
        generation.end()
    client.flush()
    client.shutdown()
    wait_for(lambda: len(peer.records) == 2)
    theirs = next(r for r in peer.records if r.type == "GENERATION")

    ours = Observation(
        id=bytes.fromhex(theirs.id),
        parent=bytes.fromhex(theirs.parent_id or ""),
        kind=Kind.GENERATION,
        name="attempt",
        started_at=theirs.start_ms / 1000 + 0.0005,
        ended_at=theirs.end_ms / 1000 + 0.0005,
        level=Level.WARNING,
        status_message="slow",
        model="gpt-4o",
        parameters={"temperature": 0.5},
        usage={"input": 12, "output": 4, "total": 16},
        cost_usd={"input": 1e-05, "output": 2e-05, "total": 3e-05},
        first_token_at=NOW + 0.25,
        input='[{"role": "user", "content": "hi"}]',
        output='{"role": "assistant", "content": "ho"}',
        metadata={"provider": "openai", "attempt": 1, "billed": True},
    )
    tree = Tree(
        trace_id=TRACE_ID,
        name="t",
        user="eve",
        session="s-1",
        tags=("a",),
        environment="prod",
        release="r1",
        observations=[ours],
    )
    (record,) = read_records(encode([tree], version="1"), project="pk-test")

    apart = ("scope", "attributes", "completion_start")
    fields = [name for name in record.__dataclass_fields__ if name not in apart]
    assert {n: getattr(record, n) for n in fields} == {n: getattr(theirs, n) for n in fields}
    stored = datetime.fromisoformat((theirs.completion_start or "").strip('"'))
    assert stored == datetime.fromisoformat(record.completion_start or "")
