import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.gateway_api.query import QueryError, check_names, parse_filters, parse_query


@pytest.mark.parametrize(
    ("window", "seconds"),
    [(None, 3600.0), ("90s", 90.0), ("15m", 900.0), ("1h", 3600.0), ("7d", 604_800.0)],
)
def test_window(window, seconds):
    assert seconds == parse_query(window=window).window_s


@pytest.mark.parametrize(
    "window",
    [
        "",
        "15",
        "m",
        "0s",
        "00h",
        "-5m",
        "1.5h",
        "15M",
        " 15m",
        "15m ",
        "1h30m",
        "9" * 10 + "s",
        "\u0661h",
    ],
)
def test_a_bad_window(window):
    """The error says which field, what would do and what came."""
    with pytest.raises(QueryError) as caught:
        parse_query(window=window)

    error = caught.value
    assert ("window", window) == (error.field, error.got)
    assert f"window: expected {error.expected}, got {window!r}" == str(error)


@given(number=st.integers(1, 10**9 - 1), unit=st.sampled_from("smhd"))
def test_a_window_of_up_to_a_hundred_years(number, unit):
    """
    A longer one would begin before there were years.
    """
    seconds = number * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[unit]
    if seconds <= 36_500 * 86_400:
        assert seconds == parse_query(window=f"{number}{unit}").window_s
    else:
        with pytest.raises(QueryError, match="at most 36500d"):
            parse_query(window=f"{number}{unit}")


@given(window=st.text(st.sampled_from("0159smhd.- ٣"), max_size=6))
def test_nothing_else_is_raised(window):
    try:
        assert 0 < parse_query(window=window).window_s
    except QueryError as error:
        assert window == error.got  # noqa: PT017


def test_filters_are_equal_in_any_order():
    asked = parse_filters(tag=["b", "a", "b"], team=["x"])

    assert (("a", "b"), ("x",), ()) == (asked.tag, asked.team, asked.model)
    assert hash(asked) == hash(parse_filters(team=["x"], tag=["a", "b"]))


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])
def test_an_instant_before_there_were_clocks(since):
    with pytest.raises(QueryError, match="since: expected an instant after 1970"):
        parse_query(since=since)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"model": [""]}, "model"),
        ({"team": ["x" * 257]}, "team"),
        ({"tag": [str(n) for n in range(21)]}, "tag"),
    ],
)
def test_a_bad_filter(given, field):
    with pytest.raises(QueryError) as caught:
        parse_filters(**given)

    assert field == caught.value.field


@pytest.mark.parametrize(
    ("names", "field"),
    [(["windw"], "windw"), (["window", "window"], "window"), (["n" * 500], "n" * 80)],
)
def test_a_parameter_that_would_be_passed_over(names, field):
    with pytest.raises(QueryError) as caught:
        check_names(names, known=("window", "tag"), repeatable=("tag",))

    assert field == caught.value.field
    check_names(["tag", "window", "tag"], known=("window", "tag"), repeatable=("tag",))
