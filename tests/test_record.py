from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.record import (
    UNKNOWN,
    Attempt,
    Cost,
    CostStatus,
    Deployment,
    Operation,
    Outcome,
    Request,
    Tokens,
)

counts = st.integers(0, 10**9)


def attempt(started_at=0.0, duration_s=1.0, *, provider="openai", usd=None, tokens=None):
    status = CostStatus.UNPRICED if usd is None else CostStatus.PRICED
    return Attempt(
        deployment=Deployment(id="d", model_group="chat", model="m", provider=provider),
        started_at=started_at,
        duration_s=duration_s,
        outcome=Outcome.SUCCESS,
        tokens=tokens,
        cost=Cost(status=status, total_usd=usd),
    )


def request(*attempts):
    return Request(
        call_id="c",
        received_at=0.0,
        duration_s=9.0,
        operation=Operation.CHAT,
        stream=False,
        model_group="chat",
        outcome=Outcome.SUCCESS,
        attempts=attempts,
    )


@given(st.builds(Tokens, input=counts, cached_input=counts, cache_write=counts, output=counts))
def test_tokens_sum(tokens):
    given_tokens = tokens.input + tokens.cached_input + tokens.cache_write

    assert tokens.total == given_tokens + tokens.total_output


def test_a_request_without_attempts_knows_nothing_of_a_provider():
    bare = request()

    assert (None, None, None, None) == (
        bare.last_attempt,
        bare.cost_usd,
        bare.cost_status,
        bare.total_tokens,
    )
    assert (UNKNOWN, 0.0, 0.0) == (bare.provider, bare.provider_s, bare.backoff_s)


def test_the_last_attempt_speaks_for_the_request():
    asked = request(attempt(provider="openai"), attempt(2.0, provider="mistral"))

    assert "mistral" == asked.provider
    assert 2.0 == asked.last_attempt.started_at


def test_sums_over_attempts():
    tokens = Tokens(input=3, output=4)
    asked = request(attempt(usd=0.25, tokens=tokens), attempt(3.0, 0.5, usd=0.5, tokens=tokens))

    assert (0.75, 14, 1.5, 2.0) == (
        asked.cost_usd,
        asked.total_tokens,
        asked.provider_s,
        asked.backoff_s,
    )


def test_an_attempt_without_a_price_leaves_the_others_cost():
    """And makes the whole as unsure as itself."""
    asked = request(attempt(usd=0.25), attempt(2.0))

    assert (0.25, CostStatus.UNPRICED) == (asked.cost_usd, asked.cost_status)


def test_no_price_is_not_zero():
    assert request(attempt()).cost_usd is None


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.one_of(st.none(), st.floats(0, 100))).map(
            lambda pair: attempt(*pair)
        )
    )
)
def test_back_off_is_never_negative(attempts):
    """Also when attempts overlap, or one did not tell its end."""
    asked = request(*attempts)

    assert 0 <= asked.backoff_s
    assert 0 <= asked.provider_s


def test_records_do_not_change():
    asked = request()

    with pytest.raises(FrozenInstanceError):
        asked.call_id = "other"
    assert "other" == replace(asked, call_id="other").call_id
