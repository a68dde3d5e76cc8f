import re
from dataclasses import replace

import pytest

from litellm_obs_plugin.exposition import text
from litellm_obs_plugin.metrics.gen_ai import GEN_AI, GenAiMeter
from litellm_obs_plugin.record import ErrorType, Failure, Operation, Outcome, Source


@pytest.fixture
def record(state, make_request):
    """Records a request of some shape; the page's series by name."""

    def record(*, attempt=(), **changes):
        request = make_request(group="gpt-4o")
        attempts = tuple(replace(a, **dict(attempt)) for a in request.attempts)
        GenAiMeter(counter=state.worker()).record(replace(request, attempts=attempts, **changes))
        return state.read().series

    return record


CHAT = ("chat", "openai", "gpt-4o")


def test_a_streamed_chat(record):
    """100 input, 10 cached and 50 output tokens in 1.35 s, the first after 0.2 s."""
    found = {(n, k): (s.count, s.sum) for n, series in record().items() if n.startswith("gen_ai_")
             for k, s in series.items()}  # fmt: skip

    assert found == {
        ("gen_ai_client_token_usage", (*CHAT, "input")): (1, 110),
        ("gen_ai_client_token_usage", (*CHAT, "output")): (1, 50),
        ("gen_ai_client_operation_duration_seconds", (*CHAT, "")): (1, pytest.approx(1.35)),
        ("gen_ai_server_time_to_first_token_seconds", CHAT): (1, 0.2),
        ("gen_ai_server_time_per_output_token_seconds", CHAT): (1, pytest.approx(1.15 / 49)),
    }


def test_a_failed_attempt_has_a_duration_and_its_error(record):
    failure = Failure(error_type=ErrorType.RATE_LIMIT, source=Source.PROVIDER)
    series = record(
        attempt={"outcome": Outcome.ERROR, "failure": failure, "tokens": None, "ttft": None}
    )

    assert {(*CHAT, "rate_limit")} == set(series["gen_ai_client_operation_duration_seconds"])
    assert "gen_ai_client_token_usage" not in series


@pytest.mark.parametrize("operation", [Operation.RESPONSES, Operation.MESSAGES])
def test_other_ways_to_chat_are_chats(record, operation):
    series = record(operation=operation)

    assert {CHAT} == set(series["gen_ai_server_time_to_first_token_seconds"])


def test_nothing_is_told_of_the_first_token_without_a_stream(record):
    assert "gen_ai_server_time_to_first_token_seconds" not in record(stream=False)


def test_names_on_the_page_are_the_conventions_own(record, state):
    """As OTLP exporters write them, so that dashboards made for those read ours."""
    record()
    page = text.render(state.read()).decode()

    for metric in GEN_AI:
        assert f"# TYPE {metric.name} histogram\n" in page
    assert 'gen_ai_client_token_usage_bucket{gen_ai_operation_name="chat",' in page
    found = re.findall(r'token_usage_bucket\{.*gen_ai_token_type="input",le="(.+)"\}', page)
    # Of the advised bounds those that one request can reach.
    assert {4.0**k for k in range(12)} <= set(map(float, found))
