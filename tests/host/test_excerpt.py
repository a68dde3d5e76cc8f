from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.host.excerpt import OMITTED, write_json
from tests.host.garbage import values

CYCLE: list = ["a"]
CYCLE.append(CYCLE)
DEEP: list = []
for _ in range(10_000):
    DEEP = [DEEP]


def test_what_fits_stays_as_it_is():
    value = [{"role": "user", "content": "héllo"}]

    assert json.loads(write_json(value, limit=200)) == value
    assert json.loads(write_json(value, limit=None)) == value


def test_what_does_not_fit_is_cut():
    found = json.loads(write_json([{"content": "x" * 500}], limit=100))

    assert found.startswith('[{"content": "xxx')
    assert found.endswith(OMITTED)
    assert len(found) == 100 + len(OMITTED)
    assert json.loads(write_json("x" * 500, limit=100)) == "x" * 100 + OMITTED


@pytest.mark.parametrize("limit", [None, 10, 1000])
@pytest.mark.parametrize("value", [CYCLE, DEEP, {"a": CYCLE}, {(1, 2): object()}, [float("nan")]])
def test_what_no_json_can_hold(value, limit):
    """It is written as far as it goes; nothing raises."""
    json.loads(write_json(value, limit=limit), parse_constant=pytest.fail)


@given(value=values, limit=st.one_of(st.none(), st.integers(1, 50)))
def test_any_value(value, limit):
    written = write_json(value, limit=limit)

    assert written is not None
    json.loads(written, parse_constant=pytest.fail)
    assert limit is None or len(written) <= 12 * (limit + 30)


def test_a_huge_prompt_costs_no_more_than_its_beginning():
    huge = [{"role": "user", "content": "x" * 20_000_000}] * 1000
    tracemalloc.start()
    began = time.perf_counter()
    try:
        write_json(huge, limit=2000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert time.perf_counter() - began < 0.05
    assert peak < 100_000
