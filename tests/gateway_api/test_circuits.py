from __future__ import annotations

from litellm_obs_plugin.gateway_api.circuits import build_circuits
from litellm_obs_plugin.metrics.snapshot import Snapshot

SNAPSHOT = Snapshot(
    started_at=0.0,
    taken_at=9.0,
    workers=2,
    series={
        "circuit_open_workers": {
            ("dep-a", "chat", "openai"): 0.0,
            ("dep-b", "chat", "openai"): 1.0,
            ("dep-c", "chat", "mistral"): 0.0,
        }
    },
)


def change(deployment, state, second, **more):
    return {
        "time": f"2026-11-24T03:36:{second:02}Z",
        "deployment": deployment,
        "modelGroup": "chat",
        "provider": "openai",
        "model": "gpt-4o",
        "state": state,
        "reason": "rate_limit",
        "recoversAt": None,
        **more,
    }


CHANGES = [
    change("dep-a", "closed", 30),
    change("dep-b", "open", 20, recoversAt="2026-11-24T03:37:00Z"),
    change("dep-a", "open", 10),
]


def test_the_open_ones_stand_first():
    found = build_circuits(SNAPSHOT, CHANGES).circuits

    assert ["dep-b", "dep-a", "dep-c"] == [one.deployment for one in found]


def test_since_when_and_why():
    """A closed one says since when, an open one also why and until when."""
    opened, closed, quiet = build_circuits(SNAPSHOT, CHANGES).model_dump(
        mode="json", by_alias=True
    )["circuits"]

    assert {
        "deployment": "dep-b",
        "modelGroup": "chat",
        "provider": "openai",
        "state": "open",
        "since": "2026-11-24T03:36:20Z",
        "recoversAt": "2026-11-24T03:37:00Z",
        "reason": "rate_limit",
        "openWorkers": 1,
        "workers": 2,
    } == opened
    assert ("2026-11-24T03:36:30Z", None) == (closed["since"], closed["reason"])
    assert ("closed", None) == (quiet["state"], quiet["since"])


def test_the_last_changes():
    assert 3 == len(build_circuits(SNAPSHOT, CHANGES).changes)
