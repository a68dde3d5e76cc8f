from __future__ import annotations

import pytest

from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.health.traces import TraceFacts, judge_traces

NOW = 1_795_491_000.0


@pytest.mark.parametrize(
    ("facts", "status", "sentence"),
    [
        ({}, Status.HEALTHY, "mode replace, no answer yet, 0 traces wait"),
        ({"answered_at": NOW - 3}, Status.HEALTHY, "mode replace, last answer 3 s ago"),
        (
            {"problem": "HTTP 401", "refused": True},
            Status.UNHEALTHY,
            "Langfuse does not take the keys: HTTP 401",
        ),
        (
            {"problem": "ConnectError: refused", "silent": True},
            Status.UNHEALTHY,
            "Langfuse cannot be reached: ConnectError: refused",
        ),
        ({"problem": "HTTP 500"}, Status.DEGRADED, "did not take the last traces: HTTP 500"),
        ({"dropped": 7, "dropped_s": 20.0}, Status.DEGRADED, "7 traces dropped, the last 20 s ago"),
        ({"dropped": 7, "dropped_s": 400.0}, Status.HEALTHY, "mode replace"),
        ({"waiting": 5, "oldest_s": 90.0}, Status.DEGRADED, "traces are 90 s late"),
        ({"warnings": ("it is enrich now",)}, Status.DEGRADED, "it is enrich now; mode replace"),
        ({"waiting": 5, "oldest_s": 2.0}, Status.HEALTHY, "5 traces wait"),
    ],
)
def test_verdicts(facts, status, sentence):
    state = judge_traces(TraceFacts(mode="replace", **facts), window_s=300, now=NOW)

    assert state.status is status
    assert sentence in state.message
