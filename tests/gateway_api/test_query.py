import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.gateway_api.query import QueryError, parse_query


@pytest.mark.parametrize(
    ("window", "seconds"),
    [(None, 3600.0), ("90s", 90.0), ("15m", 900.0), ("1h", 3600.0), ("7d", 604_800.0)],
)
def test_window(window, seconds):
    assert seconds == parse_query(window=window).window_s


@pytest.mark.parametrize(
    "window",
    ["", "15", "m", "0s", "00h", "-5m", "1.5h", "15M", " 15m", "15m ", "1h30m", "9" * 10 + "s"],
)
def test_a_bad_window(window):
    """The error says which field, what would do and what came."""
    with pytest.raises(QueryError) as caught:
        parse_query(window=window)

    error = caught.value
    assert ("window", window) == (error.field, error.got)
    assert f"window: expected {error.expected}, got {window!r}" == str(error)


@given(number=st.integers(1, 10**9 - 1), unit=st.sampled_from("smhd"))
def test_every_length_has_a_window(number, unit):
    assert number <= parse_query(window=f"{number}{unit}").window_s


@given(window=st.text(st.sampled_from("0159smhd.- ٣"), max_size=6))
def test_nothing_else_is_raised(window):
    try:
        assert 0 < parse_query(window=window).window_s
    except QueryError as error:
        assert window == error.got  # noqa: PT017
