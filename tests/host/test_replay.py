"""What a real proxy told of one request, and the one value that comes of it.

``python -m tests.host.record_fixtures`` records anew; the numbers are those of its prompts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest

from litellm_obs_plugin.record import CostStatus, Operation, Outcome, Tokens
from tests.host.recording import SCENARIOS, play, read_recording
from tests.proxy.prices import price_of

ASKED = Tokens(input=100, cached_input=20, output=20, reasoning=10)
MINI = ("openai", "gpt-4o-mini")
OK = ("success", "")
ESTIMATED = CostStatus.ESTIMATED


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What should come of a scenario; *attempts* as (provider, model, outcome, error type)."""

    asked: str = "chat"
    outcome: Outcome = Outcome.SUCCESS
    operation: Operation = Operation.CHAT
    stream: bool = False
    failure: tuple[str, str] | None = None
    attempts: tuple[tuple[str, str, str, str], ...] = ((*MINI, *OK),)
    provider_s: tuple[float, ...] = field(default=())


def failed(error_type: str, *of: str) -> tuple[str, str, str, str]:
    provider, model = of or MINI
    return provider, model, "error", error_type


def rejected(asked: str, error_type: str) -> Story:
    return Story(asked=asked, outcome=Outcome.REJECTED, failure=(error_type, "client"), attempts=())


PRIMARY, BACKUP = ("openai", "gpt-4o"), ("mistral", "mistral-large-latest")
STORIES = {
    "chat": Story(provider_s=(0.2,)),
    "stream": Story(stream=True, provider_s=(0.75,)),
    "retry": Story(attempts=(failed("server_error"), (*MINI, *OK))),
    "fallback": Story(
        asked="primary", attempts=(*[failed("overloaded", *PRIMARY)] * 2, (*BACKUP, *OK))
    ),
    "both_fail": Story(
        asked="primary",
        outcome=Outcome.ERROR,
        failure=("server_error", "provider"),
        attempts=tuple(failed("server_error", *of) for of in (PRIMARY, PRIMARY, BACKUP, BACKUP)),
    ),
    "stream_breaks": Story(
        stream=True,
        outcome=Outcome.ERROR,
        failure=("connection", "provider"),
        attempts=(failed("connection"),),
    ),
    "client_disconnect": Story(
        stream=True,
        outcome=Outcome.CLIENT_DISCONNECT,
        failure=("other", "client"),
        attempts=((*MINI, "client_disconnect", "other"),),
    ),
    "cache_hit": Story(outcome=Outcome.CACHE_HIT, attempts=()),
    "responses_stream": Story(operation=Operation.RESPONSES, stream=True),
    "messages_to_openai": Story(operation=Operation.MESSAGES),
    "messages_to_anthropic": Story(
        asked="claude",
        operation=Operation.MESSAGES,
        attempts=(("anthropic", "claude-sonnet-4-5", *OK),),
    ),
    "embeddings": Story(
        asked="embed",
        operation=Operation.EMBEDDINGS,
        attempts=(("openai", "text-embedding-3-small", *OK),),
    ),
    "pass_through": Story(asked="other", operation=Operation.PASSTHROUGH, attempts=((*MINI, *OK),)),
    "unknown_model": rejected("other", "bad_request"),
    "bad_key": rejected("chat", "bad_request"),
    "cooldown": Story(
        asked="fragile",
        outcome=Outcome.ERROR,
        failure=("overloaded", "gateway"),
        attempts=(),
    ),
    "timeout": Story(
        asked="impatient",
        outcome=Outcome.ERROR,
        failure=("timeout", "provider"),
        attempts=(failed("timeout"), failed("timeout")),
        provider_s=(0.5, 0.5),
    ),
}


@pytest.fixture
def replay(house):
    async def replay(scenario):
        await play(house.callback, read_recording(scenario), set_clock=house.clock.set)
        assert ([], [], 0) == (house.errors, house.dropped, len(house.tracker))
        (request,) = house.requests
        return request

    return replay


def told(failure):
    return None if failure is None else (failure.error_type, failure.source)


@pytest.mark.parametrize("scenario", STORIES)
async def test_story(replay, scenario):
    """One request with its attempts, whichever hooks fired for it."""
    story = STORIES[scenario]

    request = await replay(scenario)

    assert story == Story(
        asked=request.model_group,
        outcome=request.outcome,
        operation=request.operation,
        stream=request.stream,
        failure=told(request.failure),
        attempts=tuple(
            (
                a.deployment.provider,
                a.deployment.model,
                a.outcome,
                a.failure.error_type if a.failure else "",
            )
            for a in request.attempts
        ),
        provider_s=story.provider_s,
    )


@pytest.mark.parametrize("scenario", STORIES)
async def test_times(replay, scenario):
    """Attempts follow one another inside the request; provider time is what the prompt asked."""
    story = STORIES[scenario]

    request = await replay(scenario)

    durations = [a.duration_s for a in request.attempts]
    if story.provider_s:
        assert list(story.provider_s) == pytest.approx(durations, abs=0.1)
    starts = [a.started_at for a in request.attempts]
    assert sorted(starts) == starts
    if request.duration_s is not None:
        assert 0 < math.fsum(durations) + 1e-9 <= request.duration_s + 1e-3
        assert all(request.received_at <= start for start in starts)


@pytest.mark.parametrize("scenario", STORIES)
async def test_only_what_came_before_the_key_was_known_has_no_duration(replay, scenario):
    request = await replay(scenario)

    assert (scenario == "bad_key") == (request.duration_s is None)


ANSWERED = {
    "chat": "gpt-4o-mini",
    "stream": "gpt-4o-mini",
    "retry": "gpt-4o-mini",
    "fallback": "mistral/mistral-large-latest",
    "responses_stream": "gpt-4o-mini",
    "messages_to_openai": "gpt-4o-mini",
    "messages_to_anthropic": "claude-sonnet-4-5",
}


@pytest.mark.parametrize("scenario", ANSWERED)
async def test_tokens_and_cost(replay, scenario):
    """The last attempt used what the prompt asked for, at LiteLLM's price."""
    price = price_of(ANSWERED[scenario])
    answer, cached = price["output_cost_per_token"], price.get("cache_read_input_token_cost")

    request = await replay(scenario)

    *before, last = request.attempts
    assert [(None, None)] * len(before) == [(a.tokens, a.cost) for a in before]
    assert 150 == last.tokens.total
    assert 20 == last.tokens.cached_input
    assert 30 == last.tokens.total_output
    given = price["input_cost_per_token"]
    total = 100 * given + 20 * (given if cached is None else cached) + 30 * answer
    assert total == pytest.approx(last.cost.total_usd, abs=1e-12)
    assert total == pytest.approx(math.fsum(last.cost.components_usd.values()), abs=1e-12)
    assert CostStatus.PRICED is last.cost.status


async def test_reasoning_tokens_are_told_apart(replay):
    request = await replay("chat")

    assert ASKED == request.last_attempt.tokens
    assert {"input", "cache_read", "output", "reasoning"} == set(
        request.last_attempt.cost.components_usd
    )


@pytest.mark.parametrize("scenario", ["client_disconnect", "stream_breaks"])
async def test_half_an_answer_has_an_estimated_cost(replay, scenario):
    """LiteLLM counts the tokens of the text that came."""
    request = await replay(scenario)

    assert ESTIMATED is request.last_attempt.cost.status
    assert 0 < request.last_attempt.tokens.output


async def test_a_cached_answer_saves_the_whole_cost(replay):
    request = await replay("cache_hit")

    price = price_of("gpt-4o-mini")
    usd = 100 * price["input_cost_per_token"] + 20 * price["cache_read_input_token_cost"]
    assert usd + 30 * price["output_cost_per_token"] == pytest.approx(request.cache_saved_usd)


async def test_a_pass_through_has_no_usage(replay):
    request = await replay("pass_through")

    assert "no_usage" == request.last_attempt.cost.unpriced_reason
    assert request.last_attempt.tokens is None


async def test_time_to_first_token_of_a_chat_stream(replay):
    request = await replay("stream")

    assert request.last_attempt.ttft.value_s == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("scenario", "invalid"), [("responses_stream", "unmeasurable"), ("chat", None)]
)
async def test_other_answers_have_no_time_to_first_token(replay, scenario, invalid):
    request = await replay(scenario)

    ttft = request.last_attempt.ttft
    assert invalid == (ttft.invalid if ttft else None)


async def test_an_answer_that_was_refused_afterwards(house):
    """By a guardrail, say: the attempt succeeded, the request did not."""
    started, answered, _ = read_recording("chat")
    refused = replace(
        answered,
        name="async_post_call_failure_hook",
        error=ValueError("blocked"),
        route="/v1/chat/completions",
    )

    await play(house.callback, [started, answered, refused], set_clock=house.clock.set)

    (request,) = house.requests
    assert ("error", "success") == (request.outcome, request.last_attempt.outcome)
    assert request.last_attempt.duration_s == pytest.approx(0.2, abs=0.05)


async def test_the_hosts_own_health_check_is_no_request(house):
    await play(house.callback, read_recording("health_check"), set_clock=house.clock.set)

    assert ([], [], 0) == (house.requests, house.errors, len(house.tracker))


def test_every_recording_has_a_story():
    assert {*STORIES, "health_check"} == set(SCENARIOS)
