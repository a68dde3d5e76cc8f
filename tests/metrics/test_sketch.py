import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.metrics.sketch import (
    BINS_PER_OCTAVE,
    COUNTS,
    DOLLARS,
    GAMMA,
    RELATIVE_ERROR,
    SECONDS,
    Domain,
    Sketch,
    edge,
    merge,
)

DOMAINS = {SECONDS: (2.0**-14, 2.0**16), DOLLARS: (1e-7, 1e4), COUNTS: (1.0, 2.0**24)}

domains = st.sampled_from(list(DOMAINS))
quantiles = st.floats(min_value=0, max_value=1)
seconds = st.lists(st.floats(min_value=0, max_value=1e6))


@st.composite
def values_in_domain(draw):
    domain = draw(domains)
    low, high = DOMAINS[domain]
    inside = st.one_of(st.just(0.0), st.floats(min_value=low, max_value=high))
    return domain, draw(st.lists(inside, min_size=1))


def state(sketch):
    """Everything a sketch knows; sums apart, which the order of adding may round otherwise."""
    return sketch.array[:3].tolist(), sketch.bins.tolist(), sketch.min, sketch.max


@given(sample=values_in_domain(), q=quantiles)
def test_a_quantile_is_within_its_relative_accuracy(sample, q):
    """Whatever the stream, no quantile is off by more than 1.1 % of the value of that rank."""
    domain, values = sample
    want = sorted(values)[math.floor(q * (len(values) - 1))]

    got = Sketch.of(domain, values).get_quantile_value(q)

    assert want == pytest.approx(got, rel=RELATIVE_ERROR * 1.011, abs=1e-300)
    assert RELATIVE_ERROR < 0.011


@given(parts=st.lists(seconds, min_size=1, max_size=5))
def test_merging_equals_adding(parts):
    """Sketches of workers give the quantiles of all their values, not an average of averages."""
    together = Sketch.of(SECONDS, [value for part in parts for value in part])

    merged = merge(Sketch.of(SECONDS, part) for part in parts)

    assert state(together) == state(merged)
    assert together.sum == pytest.approx(merged.sum, rel=1e-15)


@given(first=seconds, second=seconds)
def test_merging_in_place_equals_merging(first, second):
    one, other = Sketch.of(SECONDS, first), Sketch.of(SECONDS, second)
    want = merge((one, other))
    one.merge(other)
    one.add(1.0)
    want_and_one = Sketch.of(SECONDS, [*first, *second, 1.0])

    assert state(want_and_one) == state(one)
    assert want.sum + 1 == pytest.approx(one.sum, rel=1e-15)


@given(earlier=seconds, since=seconds)
def test_subtracting_and_merging_again_restores(earlier, since):
    """The intervals of a history add up to the whole."""
    old, new = Sketch.of(SECONDS, earlier), Sketch.of(SECONDS, [*earlier, *since])

    interval = new.minus(old)
    restored = merge((old, interval))

    assert len(since) == interval.count
    assert state(new) == state(restored)
    assert new.sum == pytest.approx(restored.sum, rel=1e-12)


@given(earlier=seconds, since=st.lists(st.floats(min_value=0, max_value=1e6), min_size=1))
def test_an_interval_holds_its_extremes(earlier, since):
    old, new = Sketch.of(SECONDS, earlier), Sketch.of(SECONDS, [*earlier, *since])

    interval = new.minus(old)

    assert interval.min <= min(since) * (1 + 1e-12)
    assert interval.max >= max(since) * (1 - 1e-12)


@given(values=seconds)
def test_counts_sums_and_extremes_are_exact(values):
    sketch = Sketch.of(SECONDS, values)

    assert len(values) == sketch.count == sketch.num_values
    assert math.fsum(values) == pytest.approx(sketch.sum, rel=1e-15)
    assert (min(values, default=math.inf), max(values, default=-math.inf)) == (
        sketch.min,
        sketch.max,
    )
    low, high = edge(SECONDS.low_key - 1), edge(SECONDS.high_key)
    assert sum(not low < value <= high for value in values if value) == sketch.collapsed


@given(octave=st.integers(min_value=-14, max_value=16))
def test_powers_of_two_lie_in_the_bin_that_they_close(octave):
    """Ddsketch's own mapping puts half of them one bin too high; le=2^k would count wrongly."""
    sketch = Sketch.of(SECONDS, [2.0**octave])

    assert octave * BINS_PER_OCTAVE == SECONDS.low_key + int(np.flatnonzero(sketch.bins)[0])
    assert 2.0**octave == edge(octave * BINS_PER_OCTAVE)


@pytest.mark.parametrize("value", [-1e-9, math.nan, math.inf, -math.inf])
def test_a_value_that_is_none_changes_nothing(value):
    sketch = Sketch.of(SECONDS, [1.0])
    before = sketch.array.tobytes()

    with pytest.raises(ValueError, match="finite number >= 0"):
        sketch.add(value)

    assert before == sketch.array.tobytes()


def test_a_weight_is_refused():
    with pytest.raises(ValueError, match="weight: expected 1"):
        Sketch.empty(SECONDS).add(1.0, 2.0)


def test_outside_the_domain_both_ends_collapse_and_are_counted():
    sketch = Sketch.of(SECONDS, [1e-9, 1e-5, 1.0, 1e9])

    assert (2, 1, 3) == (sketch.bins[0], sketch.bins[-1], sketch.collapsed)
    assert (1e-9, 1e9) == (sketch.min, sketch.max)


@pytest.mark.parametrize("quantile", [-0.1, 1.1, math.nan])
def test_a_quantile_is_between_nought_and_one(quantile):
    with pytest.raises(ValueError, match=r"quantile: expected 0\.\.1"):
        Sketch.of(SECONDS, [1.0]).get_quantile_value(quantile)


def test_an_empty_sketch_has_no_quantile_and_no_average():
    empty = Sketch.empty(SECONDS)

    assert (None, None, 0) == (empty.get_quantile_value(0.5), empty.avg, empty.count)
    assert merge([]) is None
    assert 2.0 == Sketch.of(SECONDS, [1.0, 3.0]).avg


def test_zeros_are_values():
    sketch = Sketch.of(SECONDS, [0, 0, 1])

    assert [0.0, 0.0] == [sketch.get_quantile_value(q) for q in (0, 0.5)]
    assert 1.0 == pytest.approx(sketch.get_quantile_value(1), rel=0.011)


def test_a_frozen_sketch_cannot_change():
    frozen = merge([Sketch.of(SECONDS, [1.0])])

    with pytest.raises(ValueError):
        frozen.add(1.0)
    with pytest.raises(ValueError):
        frozen.merge(Sketch.of(SECONDS, [1.0]))
    assert 1 == frozen.count


def test_different_domains_do_not_merge():
    with pytest.raises(ValueError, match="expected sketches of one domain"):
        merge([Sketch.empty(SECONDS), Sketch.empty(DOLLARS)])


def test_the_bins_are_those_of_native_histograms_at_schema_5():
    assert 2 ** (2**-5) == GAMMA
    assert Domain(low_key=-448, high_key=512) == SECONDS


def test_it_speaks_ddsketch():
    """Mapping and store stand behind ddsketch's own interfaces."""
    sketch = Sketch.of(SECONDS, [0.5, 1.0, 2.0])
    store = sketch._store

    assert (3, 961) == (store.count, store.length())
    assert (-32, 32) == (store.min_key, store.max_key)
    assert [-32, 0, 32] == [store.key_at_rank(rank) for rank in range(3)]
    assert [-32, 0, 32] == [store.key_at_rank(rank, lower=False) for rank in range(3)]
    assert "count: 3" in repr(sketch)
    assert sketch._mergeable(Sketch.empty(SECONDS))


def test_the_store_collapses_and_copies():
    store, other = Sketch.empty(SECONDS)._store, Sketch.empty(SECONDS)._store
    for key in (-10_000, 0, 10_000):
        store.add(key)
    other.copy(store)
    other.merge(store)

    assert [1, 1, 1] == [store.bins[0], store.bins[448], store.bins[-1]]
    assert [1, 1] == store.cells[1:3].tolist()
    assert 6 == other.count
