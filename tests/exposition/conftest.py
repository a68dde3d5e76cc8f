from pathlib import Path

import pytest

from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import COUNTS, DOLLARS, SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot

NOW = 1_750_000_000.25


@pytest.fixture
def golden() -> Path:
    return Path(__file__).parent.parent / "golden"


@pytest.fixture
def page() -> Snapshot:
    """A counter, a gauge, a sketch of every domain, and the values at their edges."""
    duration = Sketch.of(SECONDS, (0.0, 1e-6, 0.25, 1.0, 1.001, 2.5, 1e6))
    return Snapshot(
        started_at=NOW - 3600,
        taken_at=NOW,
        series={
            "plugin_active_series": {(): 6.0},
            "requests_total": {
                ("gpt-4o", "chat", "true", "success"): 12.0,
                ("gpt-4o", "chat", "false", "error"): 1.0,
                ('a "b"\\\nc', "chat", "false", "success"): 2e16,
            },
            "request_duration_seconds": {("gpt-4o", "true", "success"): duration},
            "request_attempts": {("gpt-4o",): Sketch.of(COUNTS, (1, 1, 2, 3))},
            "cost_usd_total": {("gpt-4o", "openai", "gpt-4o-mini", "input"): 0.000125},
            "cost_per_request_usd": {("gpt-4o",): Sketch.of(DOLLARS, (0.000125, 0.5))},
        },
        exemplars={
            "request_duration_seconds": {
                ("gpt-4o", "true", "success"): (
                    Exemplar(value=2.5, trace_id="ab" * 16, request_id="r-3", recorded_at=NOW - 2),
                    Exemplar(value=2.4, trace_id="cd" * 16, request_id="r-2", recorded_at=NOW - 9),
                    Exemplar(value=0.25, trace_id=None, request_id="r-1", recorded_at=NOW - 5),
                )
            }
        },
    )
