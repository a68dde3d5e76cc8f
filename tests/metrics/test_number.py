import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics.number import Counter, Gauge
from tests.untraced import untraced


@given(values=st.lists(st.floats(min_value=0, max_value=1e9)))
def test_a_counter_shows_the_rounded_sum(values):
    cell = array("d", [0.0])
    counter = Counter(cell)
    for value in values:
        counter.add(value)

    assert math.fsum(values) == pytest.approx(cell[0], rel=1e-15)


def test_a_million_tiny_values_are_not_lost():
    """Added one by one to a float, they would be off by a cent in a few hundred dollars."""
    cell = array("d", [0.0])
    counter = Counter(cell)
    counter.add(1e6)
    with untraced():
        for _ in range(1_000_000):
            counter.add(1e-7)

    assert math.fsum([1e6, *([1e-7] * 1_000_000)]) == pytest.approx(cell[0], rel=1e-12)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_counter_refuses_what_is_no_amount(value):
    cell = array("d", [3.0])

    with pytest.raises(ValueError, match="finite"):
        Counter(cell).add(value)

    assert 3.0 == cell[0]


def test_a_gauge_moves_both_ways():
    cell = array("d", [0.0])
    gauge = Gauge(cell)
    gauge.set(5.0)
    gauge.add(-7.0)

    assert -2.0 == cell[0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_gauge_refuses_what_is_no_number(value):
    with pytest.raises(ValueError, match="finite"):
        Gauge(array("d", [0.0])).set(value)
