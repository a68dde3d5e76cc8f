from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.host.price import price_tokens, read_cost
from litellm_obs_plugin.record import Cost, CostStatus, Tokens
from tests.host.garbage import values

dollars = st.floats(min_value=0, max_value=1e6)
PRICES = {
    "openai/gpt-4o-mini": {"input_cost_per_token": 1.5e-7},
    "dep-free": {"input_cost_per_token": 0.0},
    "openai/no-numbers": {"mode": "chat"},
}


def cost_of(told, *, estimated=False):
    return read_cost(told, estimated=estimated, price_of=lambda key: PRICES.get(key, {}))


def told(usd, *, key="openai/gpt-4o-mini", **breakdown):
    return {
        "response_cost": usd,
        "cost_breakdown": breakdown,
        "model_map_information": {"model_map_key": key},
        "metadata": {"usage_object": {"prompt_tokens": 1}},
    }


def unpriced(reason):
    return Cost(status=CostStatus.UNPRICED, total_usd=None, unpriced_reason=reason)


def test_components_are_disjoint():
    """The host's input cost includes the cache's, its output cost the reasoning's."""
    cost = cost_of(
        told(
            0.110,
            input_cost=0.060,
            cache_read_cost=0.010,
            cache_creation_cost=0.020,
            output_cost=0.040,
            reasoning_cost=0.015,
            tool_usage_cost=0.007,
        )
    )

    assert CostStatus.PRICED is cost.status
    expected = {
        "input": 0.030,
        "cache_read": 0.010,
        "cache_write": 0.020,
        "output": 0.025,
        "reasoning": 0.015,
        "tool": 0.007,
        "other": 0.003,
    }
    assert expected == pytest.approx(cost.components_usd, abs=1e-12)


@given(
    total=dollars,
    parts=st.dictionaries(
        st.sampled_from(
            [
                *("input_cost", "output_cost", "cache_read_cost"),
                *("cache_creation_cost", "reasoning_cost", "tool_usage_cost"),
            ]
        ),
        st.one_of(dollars, st.sampled_from([None, math.nan, math.inf, -1.0, "1"])),
    ),
)
def test_components_sum_to_the_cost(total, parts):
    """Whatever the breakdown says, also with a discount or a margin, and none is negative."""
    cost = cost_of(told(total, **parts))

    assert total == pytest.approx(math.fsum(cost.components_usd.values()), rel=1e-8)
    assert all(usd >= 0 for usd in cost.components_usd.values())


@pytest.mark.parametrize("total", [None, -1.0, math.nan, math.inf, "1", True])
def test_a_cost_that_is_none(total):
    assert unpriced("lookup_failed") == cost_of(told(total))


def test_a_lookup_that_failed():
    """The host then says zero, and why."""
    failed = {**told(0.0), "response_cost_failure_debug_info": {"error_str": "no such model"}}

    assert unpriced("lookup_failed") == cost_of(failed)


@pytest.mark.parametrize("key", ["", None, "openai/unheard-of", "openai/no-numbers"])
def test_zero_without_a_price_is_not_known(key):
    assert unpriced("no_price") == cost_of(told(0.0, key=key))


def test_zero_without_usage_is_not_known():
    assert unpriced("no_usage") == cost_of({**told(0.0), "metadata": {"usage_object": {}}})


@pytest.mark.parametrize("name", ["model_id", "model"])
def test_a_free_model_costs_nothing(name):
    """A deployment with a price of zero, which the map knows under the deployment's id."""
    free = {**told(0.0, key=""), name: "dep-free"}

    assert Cost(status=CostStatus.PRICED, total_usd=0.0, components_usd={"input": 0.0}) == cost_of(
        free
    )


def test_the_cost_of_half_an_answer_is_estimated():
    assert CostStatus.ESTIMATED is cost_of(told(0.1), estimated=True).status


@given(breakdown=values, information=values, metadata=values)
def test_other_types_than_told(breakdown, information, metadata):
    """The total stands, even where what surrounds it has changed."""
    changed = {
        "response_cost": 0.25,
        "cost_breakdown": breakdown,
        "model_map_information": information,
        "metadata": metadata,
    }

    assert 0.25 == cost_of(changed).total_usd


USED = Tokens(input=1, cached_input=10, cache_write=100, output=1000, reasoning=10_000)


@pytest.mark.parametrize(
    ("price", "usd"),
    [
        ({"input_cost_per_token": 1.0}, 111.0),
        ({"input_cost_per_token": 1.0, "output_cost_per_token": 2.0}, 22_111.0),
        (
            {
                "input_cost_per_token": 1.0,
                "output_cost_per_token": 2.0,
                "cache_read_input_token_cost": 0.5,
                "cache_creation_input_token_cost": 1.5,
                "output_cost_per_reasoning_token": 3.0,
            },
            32_156.0,
        ),
        ({"input_cost_per_token": 0, "output_cost_per_token": 0}, 0.0),
        ({"output_cost_per_token": 2.0}, None),
        ({"input_cost_per_token": math.nan}, None),
        ({}, None),
    ],
)
def test_what_tokens_would_have_cost(price, usd):
    """Without prices of their own, cached tokens cost like input and reasoning like output."""
    assert usd == price_tokens(USED, price)
