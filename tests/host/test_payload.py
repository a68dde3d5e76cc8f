from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.host import payload
from litellm_obs_plugin.record import Caller, HostBudget, Operation, Owner, TimeToFirstToken, Tokens
from tests.host.garbage import values

RECEIVED = datetime(2026, 11, 24, 3, 36, 10, 500_000, tzinfo=UTC)
counts = st.one_of(st.none(), st.integers(-5, 10**7))


def usage(**counted):
    return {"metadata": {"usage_object": counted}}


@pytest.mark.parametrize(
    ("call_type", "operation"),
    [
        ("acompletion", Operation.CHAT),
        ("completion", Operation.CHAT),
        ("atext_completion", Operation.TEXT_COMPLETION),
        ("aembedding", Operation.EMBEDDINGS),
        ("aresponses", Operation.RESPONSES),
        ("anthropic_messages", Operation.MESSAGES),
        ("aimage_generation", Operation.IMAGE),
        ("atranscription", Operation.AUDIO),
        ("arerank", Operation.RERANK),
        ("pass_through_endpoint", Operation.PASSTHROUGH),
        ("allm_passthrough_route", Operation.PASSTHROUGH),
        (SimpleNamespace(value="aresponses"), Operation.RESPONSES),
        ("something new", Operation.OTHER),
        (None, Operation.OTHER),
    ],
)
def test_operation_of_a_call(call_type, operation):
    assert operation == payload.operation_of_call(call_type)


@pytest.mark.parametrize(
    ("route", "operation"),
    [
        ("/v1/chat/completions", Operation.CHAT),
        ("/openai/deployments/gpt/chat/completions/", Operation.CHAT),
        ("/completions", Operation.TEXT_COMPLETION),
        ("/v1/embeddings", Operation.EMBEDDINGS),
        ("/v1/messages", Operation.MESSAGES),
        ("/v1/moderations", Operation.OTHER),
        ("/metrics", None),
        ("/v1/models", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_operation_of_a_route(route, operation):
    """Only routes on which work is asked for have one."""
    assert operation == payload.operation_of_route(route)


def test_tokens_are_told_apart():
    """The host counts cached tokens as prompt tokens, and reasoning as completion tokens."""
    told = usage(
        prompt_tokens=120,
        completion_tokens=30,
        prompt_tokens_details={"cached_tokens": 20, "cache_creation_tokens": 5},
        completion_tokens_details={"reasoning_tokens": 10},
    )

    expected = Tokens(input=95, cached_input=20, cache_write=5, output=20, reasoning=10)
    assert expected == payload.read_tokens(told)


def test_tokens_as_anthropic_counts_them():
    told = usage(prompt_tokens=50, cache_read_input_tokens=30, cache_creation_input_tokens=10)

    assert Tokens(input=10, cached_input=30, cache_write=10) == payload.read_tokens(told)


@pytest.mark.parametrize("told", [{}, usage(), {"metadata": None}, {"metadata": {}}])
def test_no_usage_is_not_zero_tokens(told):
    assert payload.read_tokens(told) is None


@given(
    prompt=counts, completion=counts, cached=counts, written=counts, reasoning=counts, plain=counts
)
def test_tokens_sum_to_what_the_host_counted(prompt, completion, cached, written, reasoning, plain):
    """Whatever the parts say, they are disjoint, not negative, and never exceed the whole."""
    told = usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cache_read_input_tokens=plain,
        prompt_tokens_details={"cached_tokens": cached, "cache_creation_tokens": written},
        completion_tokens_details={"reasoning_tokens": reasoning},
    )

    tokens = payload.read_tokens(told)
    total = max(prompt or 0, 0) + max(completion or 0, 0)

    assert bool(total) == (tokens is not None)
    if tokens is None:
        return
    assert total == tokens.total
    assert max(completion or 0, 0) == tokens.total_output
    assert min(tokens.input, tokens.cached_input, tokens.cache_write, tokens.output) >= 0


@pytest.mark.parametrize(
    ("operation", "started_at", "first", "end", "expected"),
    [
        (Operation.CHAT, 10.0, 10.25, 11.0, TimeToFirstToken(value_s=0.25)),
        (Operation.TEXT_COMPLETION, 10.0, 10.25, 11.0, TimeToFirstToken(value_s=0.25)),
        (Operation.CHAT, 10.0, 9.0, 11.0, TimeToFirstToken(invalid="negative")),
        (Operation.CHAT, 10.0, 11.0, 11.0, TimeToFirstToken(invalid="buffered")),
        (Operation.CHAT, 10.0, None, 11.0, TimeToFirstToken(invalid="unmeasurable")),
        (Operation.CHAT, 10.0, 10.25, None, TimeToFirstToken(invalid="unmeasurable")),
        (Operation.CHAT, None, 10.25, 11.0, TimeToFirstToken(invalid="unmeasurable")),
        (Operation.RESPONSES, 10.0, 10.25, 11.0, TimeToFirstToken(invalid="unmeasurable")),
        (Operation.MESSAGES, 10.0, 10.25, 11.0, TimeToFirstToken(invalid="unmeasurable")),
    ],
)
def test_time_to_first_token(operation, started_at, first, end, expected):
    told = {"completionStartTime": first, "endTime": end}

    assert expected == payload.read_ttft(told, operation=operation, started_at=started_at)


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([[1.0, 2.0]], (1.0, 2.0)),
        (((1.0, 2.0), (3.0, 4.0)), (3.0, 4.0)),
        ([[1.0, 1.0]], (1.0, 1.0)),
        ([[2.0, 1.0]], None),
        ([[1.0, None]], None),
        ([[float("nan"), 2.0]], None),
        ([[1.0, 2.0, 3.0]], None),
        (["12"], None),
        ([], None),
        ("12", None),
        (None, None),
    ],
)
def test_last_window(windows, expected):
    kwargs = {"metadata": {"llm_api_timing_windows": windows, "litellm_received_at": RECEIVED}}

    assert expected == payload.last_window(kwargs)


@pytest.mark.parametrize("name", ["metadata", "litellm_metadata"])
@pytest.mark.parametrize("nested", [False, True])
def test_metadata_wherever_it_is(name, nested):
    """Chat keeps it in one place, responses in another; log events one floor down."""
    holder = {name: {"litellm_received_at": RECEIVED, "model_group": "chat"}}
    kwargs = {"litellm_params": holder} if nested else holder

    assert RECEIVED.timestamp() == payload.received_at_of(kwargs)
    assert "chat" == payload.metadata_of(kwargs)["model_group"]


def test_the_metadata_with_more_windows_is_the_complete_one():
    """Of a responses call only one of the two holds every attempt."""
    short = {"litellm_received_at": RECEIVED, "llm_api_timing_windows": []}
    whole = {**short, "llm_api_timing_windows": [[1.0, 2.0]]}

    for kwargs in (
        {"metadata": short, "litellm_metadata": whole},
        {"metadata": whole, "litellm_metadata": short},
    ):
        assert (1.0, 2.0) == payload.last_window(kwargs)


def test_a_field_of_the_callers_that_is_named_as_the_proxys_own():
    """A body may have `litellm_params`: the proxy's metadata then stand beside it."""
    own = {"litellm_received_at": RECEIVED, "model_group": "chat"}
    for theirs in ({"x": 1}, {"metadata": {"litellm_received_at": "2020", "model_group": "x"}}):
        kwargs = {"metadata": own, "litellm_params": theirs}

        assert own == payload.metadata_of(kwargs)


@pytest.mark.parametrize("received", [None, "2026-11-24", 1.0])
def test_a_time_of_receipt_that_is_none(received):
    assert payload.received_at_of({"metadata": {"litellm_received_at": received}}) is None


@pytest.mark.parametrize(
    "kwargs",
    [
        {"metadata": {"tags": ["x", payload.HEALTH_CHECK_TAG]}},
        {"litellm_params": {"litellm_metadata": {"tags": (payload.HEALTH_CHECK_TAG,)}}},
        {"standard_logging_object": {"request_tags": [payload.HEALTH_CHECK_TAG]}},
    ],
)
def test_a_health_check_of_the_hosts_own(kwargs):
    assert payload.is_health_check(kwargs)
    assert not payload.is_health_check({"metadata": {"tags": payload.HEALTH_CHECK_TAG}})


def test_a_callers_request_with_the_tag_of_a_health_check():
    marked = {"tags": [payload.HEALTH_CHECK_TAG], "litellm_received_at": RECEIVED}

    assert not payload.is_health_check({"metadata": marked})
    assert not payload.is_health_check({"litellm_params": {"metadata": marked}})


def test_only_so_many_tags_of_one_request():
    """They are series that all callers share."""
    tags = [f"t{i}" for i in range(3000)]

    assert tuple(tags[:50]) == payload.read_caller({"request_tags": tags}).tags


def test_caller():
    """The host adds tags for the user agent; they are unbounded and left out."""
    told = {
        "metadata": {"user_api_key_team_id": "t-1", "user_api_key_alias": "ci"},
        "request_tags": ["blue", "User-Agent: python-httpx", 7],
    }

    assert Caller(team="t-1", key_alias="ci", tags=("blue",)) == payload.read_caller(told)


def test_budgets_of_key_and_team():
    told = {
        "user_api_key_alias": "ci",
        "user_api_key_max_budget": 10.0,
        "user_api_key_spend": 2.5,
        "user_api_key_budget_reset_at": "2026-12-01T00:00:00",
        "user_api_key_team_id": "t-1",
        "user_api_key_team_max_budget": 40,
        "user_api_key_team_spend": None,
    }
    resets_at = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    key = HostBudget(owner=Owner.KEY, name="ci", limit_usd=10.0, spent_usd=2.5, resets_at=resets_at)
    team = HostBudget(owner=Owner.TEAM, name="t-1", limit_usd=40.0, spent_usd=0.0)

    assert (key, team) == payload.read_caller({"metadata": told}).budgets


@pytest.mark.parametrize("limit", [None, 0, -1, float("nan"), "10", True])
def test_no_budget(limit):
    told = {"user_api_key_alias": "ci", "user_api_key_max_budget": limit}

    assert () == payload.read_caller({"metadata": told}).budgets


def test_a_teams_name_is_better_than_its_id():
    told = {"metadata": {"user_api_key_team_id": "t-1", "user_api_key_team_alias": "search"}}

    assert Caller(team="search") == payload.read_caller(told)
    assert Caller() == payload.read_caller({"request_tags": "blue"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0.0),
        (1.5, 1.5),
        (-1, None),
        (True, None),
        ("1", None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_seconds(value, expected):
    assert expected == payload.seconds(value)


@given(value=values)
def test_only_mappings_are_read_as_such(value):
    assert ({} if not isinstance(value, dict) else value) == payload.mapping(value) or (
        value is payload.mapping(value)  # NaN differs from itself
    )
    assert {"a": 1} == payload.mapping(MappingProxyType({"a": 1}))
