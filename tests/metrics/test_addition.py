import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics.addition import add_exactly, add_to_pair

amounts = st.floats(min_value=0, max_value=1e12)


@given(parts=st.lists(amounts, min_size=1))
def test_a_pair_is_never_less_than_the_true_sum(parts):
    """Rounded up, so that a base never shows less than the files that it replaces."""
    total, rest = add_exactly(parts)
    exact = sum(map(Fraction, parts))

    assert math.fsum(parts) == total
    assert exact <= Fraction(total) + Fraction(rest) <= exact * (1 + Fraction(1, 2**104))


@given(groups=st.lists(st.lists(amounts, min_size=1), min_size=1), more=amounts)
def test_regrouping_never_lets_a_total_fall(groups, more):
    """Folding moves parts into a pair; what a page shows before is not more than after."""
    before = math.fsum([*(part for group in groups for part in group), more])
    folded = [term for group in groups for term in add_exactly(group)]

    assert before <= math.fsum([*add_exactly(folded), more]) <= before * (1 + 2**-51)


@given(values=st.lists(amounts))
def test_a_running_pair_never_falls_and_shows_the_rounded_sum(values):
    total, rest, seen = 0.0, 0.0, [0.0]
    for value in values:
        total, rest = add_to_pair(total, rest, value)
        seen.append(total)

    assert sorted(seen) == seen
    assert math.fsum(values) == pytest.approx(total, rel=1e-15)


def test_a_million_tiny_values_add_up():
    """The sum of costs is right to the last digit, not just to the cent."""
    values = [random.Random(7).uniform(1e-9, 1e-6) for _ in range(1000)] * 1000
    total, rest = 1e4, 0.0
    for value in values:
        total, rest = add_to_pair(total, rest, value)

    assert math.fsum([1e4, *values]) == pytest.approx(total, rel=1e-15)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, -math.inf])
def test_what_is_no_amount_is_refused(value):
    with pytest.raises(ValueError, match="finite number >= 0"):
        add_to_pair(1.0, 0.0, value)


def test_a_sum_past_every_float_is_refused():
    with pytest.raises(ValueError, match="finite number >= 0"):
        add_to_pair(1.7e308, 0.0, 1.7e308)
