from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.langfuse.ids import ObservationIds, Part, is_sampled, trace_id_of
from tests.langfuse.requests import TRACE_ID, request


def test_the_trace_id_is_the_requests():
    assert trace_id_of(request()) == TRACE_ID


@given(call_id=st.text(min_size=1))
def test_any_call_id_makes_a_trace_id(call_id):
    """Also one that a caller chose, and that is no UUID."""
    trace_id = trace_id_of(request(call_id=call_id, trace_id=None))

    assert len(bytes.fromhex(trace_id)) == 16


def test_ids_of_observations_follow_from_the_request():
    """Sending twice must not store twice."""
    ids, again = ObservationIds(request()), ObservationIds(request())
    parts = [(part, number) for part in Part for number in range(100)]

    assert [ids.of(*part) for part in parts] == [again.of(*part) for part in parts]
    assert len({ids.of(*part) for part in parts}) == len(parts)


def test_the_same_call_id_at_another_time_is_another_request():
    later = replace(request(), received_at=request().received_at + 1)

    assert ObservationIds(request()).of(Part.REQUEST) != ObservationIds(later).of(Part.REQUEST)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_the_share_of_sampled_traces(rate):
    """Also of UUIDs, which a sampler that looks at the id itself takes all or none of."""
    ids = [uuid.UUID(int=n * 0x9E3779B97F4A7C15 % 2**128, version=4).hex for n in range(4000)]

    share = sum(is_sampled(one, rate=rate) for one in ids) / len(ids)

    assert share == pytest.approx(rate, abs=0.03)


@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_rate_keeps_what_a_lower_one_kept(low, high):
    low, high = sorted((low, high))

    assert is_sampled(TRACE_ID, rate=high) or not is_sampled(TRACE_ID, rate=low)
