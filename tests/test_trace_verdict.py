from __future__ import annotations

import pytest

from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.langfuse.status import Status as TraceStatus
from litellm_obs_plugin.trace_verdict import judge_traces

NOW = 1_795_491_000.0


@pytest.mark.parametrize(
    ("facts", "status", "sentence"),
    [
        ({}, Status.HEALTHY, "mode replace, no answer yet, 0 traces wait"),
        ({"answered_at": NOW - 3}, Status.HEALTHY, "mode replace, last answer 3 s ago"),
        (
            {"problem": "HTTP 401", "denied": True},
            Status.UNHEALTHY,
            "Langfuse does not take the keys: HTTP 401",
        ),
        (
            {"problem": "ConnectError: refused", "heard": False},
            Status.UNHEALTHY,
            "Langfuse cannot be reached: ConnectError: refused",
        ),
        ({"problem": "HTTP 500"}, Status.DEGRADED, "did not take the last traces: HTTP 500"),
        ({"dropped": 7, "dropped_s": 20.0}, Status.DEGRADED, "7 traces dropped, the last 20 s ago"),
        ({"dropped": 7, "dropped_s": 400.0}, Status.HEALTHY, "mode replace"),
        ({"waiting": 5, "oldest_s": 90.0}, Status.DEGRADED, "traces are 90 s late"),
        ({"waiting": 5, "oldest_s": 2.0}, Status.HEALTHY, "5 traces wait"),
    ],
)
def test_verdicts(facts, status, sentence):
    state = judge_traces(TraceStatus(**facts), mode="replace", window_s=300, now=NOW)

    assert state.status is status
    assert sentence in state.message


def test_a_warning_about_the_set_up():
    state = judge_traces(
        TraceStatus(), mode="enrich", warnings=("it is enrich now",), window_s=300, now=NOW
    )

    assert state.status is Status.DEGRADED
    assert "it is enrich now; mode enrich" in state.message
