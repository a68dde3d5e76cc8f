from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.ledger.selection import Selection, Sort, select

sizes = st.one_of(st.none(), st.floats(0, 1e6))
entries = st.lists(
    st.builds(
        lambda ms, usd, provider: {
            "latency": {"totalMs": ms},
            "costUsd": usd,
            "provider": provider,
        },
        sizes,
        sizes,
        st.sampled_from(["openai", "mistral", None]),
    ),
    max_size=30,
).map(lambda found: [{**entry, "id": at} for at, entry in enumerate(found)])


@given(found=entries, sort=st.sampled_from(Sort), limit=st.integers(1, 7))
def test_pages_together_are_everything_once(found, sort, limit):
    pages = [
        select(found, Selection(sort=sort, offset=offset, limit=limit)).entries
        for offset in range(0, len(found) + limit, limit)
    ]

    assert sorted(e["id"] for page in pages for e in page) == [e["id"] for e in found]


@given(found=entries)
def test_the_longest_first_and_the_unknown_last(found):
    times = [
        e["latency"]["totalMs"]
        for e in select(found, Selection(sort=Sort.DURATION, limit=100)).entries
    ]

    known = [ms for ms in times if ms is not None]
    assert known == sorted(known, reverse=True)
    assert [None] * (len(times) - len(known)) == times[len(known) :]


@given(found=entries, provider=st.sampled_from(["openai", "mistral", "nobody"]))
def test_a_filter_lets_through_what_has_the_value(found, provider):
    shown = select(found, Selection(where={"provider": provider}, limit=3))

    expected = [e for e in found if e["provider"] == provider]
    assert (expected[:3], len(expected)) == (shown.entries, shown.total)


@pytest.mark.parametrize("sort", [Sort.DURATION, Sort.COST])
def test_among_equals_the_newest_is_first(sort):
    found = [{"id": at, "latency": {"totalMs": 5.0}, "costUsd": 1.0} for at in range(3)]

    assert [0, 1, 2] == [e["id"] for e in select(found, Selection(sort=sort)).entries]
