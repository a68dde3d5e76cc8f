from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.gateway_api.build import build_metrics
from litellm_obs_plugin.gateway_api.models import ProviderState
from litellm_obs_plugin.metrics.sketch import RELATIVE_ERROR, SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Outcome
from tests.gateway_api.requests import NOW, requests, snapshot_of

GOLDEN = Path(__file__).parent.parent / "golden"
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
many = st.lists(requests(), max_size=8)


CHECKED = datetime.fromtimestamp(NOW, tz=UTC)
VERDICTS = {
    "mistral": ProviderState(status="unhealthy", last_check=CHECKED, latency=12.5),
    "openai": ProviderState(status="healthy", last_check=CHECKED, latency=None),
}


def built(snapshot, *, window_s=3600.0, providers=VERDICTS):
    return build_metrics(snapshot, asked_window_s=window_s, providers=providers)


def shown(snapshot, **asked) -> dict[str, Any]:
    return json.loads(built(snapshot, **asked).model_dump_json(by_alias=True))


def golden(name) -> dict[str, Any]:
    return json.loads((GOLDEN / name).read_text())


@pytest.fixture
def busy() -> Snapshot:
    """Two providers, one of them unwell; a fallback, a cached answer, a caller who hung up."""
    chat, mini = ("chat", "chat", "false"), ("openai", "gpt-4o-mini")
    large = ("mistral", "large")
    return Snapshot(
        started_at=NOW - 900,
        taken_at=NOW,
        series={
            "requests_total": {
                (*chat, "success"): 6.0,
                (*chat, "cache_hit"): 1.0,
                (*chat, "error"): 2.0,
                (*chat, "client_disconnect"): 1.0,
                ("other", "chat", "false", "rejected"): 1.0,
            },
            "requests_by_provider_total": {
                ("openai", "success"): 5.0,
                ("mistral", "success"): 1.0,
                ("unknown", "cache_hit"): 1.0,
                ("mistral", "error"): 2.0,
                ("openai", "client_disconnect"): 1.0,
                ("unknown", "rejected"): 1.0,
            },
            "request_errors_total": {
                ("chat", "server_error", "provider"): 2.0,
                ("other", "not_found", "client"): 1.0,
            },
            "request_duration_seconds": {
                ("chat", "false", "success"): Sketch.of(SECONDS, (0.25, 0.5, 0.5, 0.5, 1.0, 4.0)),
                ("chat", "false", "error"): Sketch.of(SECONDS, (30.0, 30.0)),
            },
            "attempts_total": {
                ("chat", *mini, "success", ""): 5.0,
                ("chat", *mini, "error", "bad_request"): 2.0,
                ("backup", *large, "success", ""): 1.0,
                ("backup", *large, "error", "server_error"): 3.0,
            },
            "provider_duration_seconds": {
                (*mini, "false"): Sketch.of(SECONDS, (0.25, 0.5, 0.5, 0.5, 1.0)),
                (*large, "false"): Sketch.of(SECONDS, (3.5,)),
            },
            "time_to_first_token_seconds": {mini: Sketch.of(SECONDS, (0.125,))},
            "tokens_total": {
                ("chat", *mini, "input"): 800.0,
                ("chat", *mini, "cached_input"): 200.0,
                ("chat", *mini, "output"): 275.0,
                ("chat", *mini, "reasoning"): 25.0,
            },
            "cost_usd_total": {
                ("chat", *mini, "input"): 0.25,
                ("chat", *mini, "cache_read"): 0.125,
                ("chat", *mini, "output"): 0.5,
            },
            "requests_by_cost_status_total": {("priced",): 5.0, ("unpriced",): 1.0},
            "cache_savings_usd_total": {("chat", "response"): 0.125},
            "failovers_total": {
                ("chat", "backup", "server_error", "recovered"): 1.0,
                ("chat", "backup", "server_error", "failed"): 2.0,
            },
            "failover_delay_seconds": {("chat",): Sketch.of(SECONDS, (3.5,))},
            "failover_cost_usd_total": {
                ("chat", "backup", "added"): 0.5,
                ("chat", "backup", "saved"): 0.125,
            },
        },
    )


def test_the_whole_answer(busy):
    """Every name and number. A deliberate change edits the golden file."""
    assert golden("gateway_metrics.json") == shown(busy, window_s=3600.0)


def test_an_answer_about_nothing():
    """What is not known is null, not zero; counts are zero."""
    empty = Snapshot(started_at=NOW, taken_at=NOW)

    assert golden("gateway_metrics_empty.json") == shown(empty, providers={})


def test_a_providers_latency_is_that_of_real_calls(busy):
    assert pytest.approx(3500.0, rel=RELATIVE_ERROR) == built(busy).providers["mistral"].latency


def test_a_provider_nobody_calls_has_the_latency_of_its_probe():
    nothing = Snapshot(started_at=0.0, taken_at=NOW)

    assert 12.5 == built(nothing).providers["mistral"].latency
    assert built(nothing).providers["openai"].latency is None


def test_quantiles_are_those_of_answered_requests(busy):
    """A failure after thirty seconds, or a refusal at once, says nothing of latency."""
    latency = built(busy).latency

    assert (500.0, 1000.0) == pytest.approx((latency.p50, latency.p99), rel=2 * RELATIVE_ERROR)
    assert 6 == built(busy).accuracy.samples


@pytest.mark.parametrize(("asked_s", "coverage"), [(900.0, 1.0), (3600.0, 0.25), (60.0, 1.0)])
def test_how_much_of_the_window_is_covered(busy, asked_s, coverage):
    window = built(busy, window_s=asked_s).window

    assert (coverage, 900.0, "since_start") == (window.coverage, window.seconds, window.basis)


def test_a_clock_that_went_back():
    window = built(Snapshot(started_at=NOW + 5, taken_at=NOW)).window

    assert (0.0, 0.0) == (window.seconds, window.coverage)


@patient
@given(found=many)
def test_totals_add_up(found):
    """Whatever happened, every breakdown sums to its total."""
    metrics = built(snapshot_of(found))

    asked = [r for r in found if r.outcome is not Outcome.CLIENT_DISCONNECT]
    counts, costs, tokens = metrics.requests, metrics.costs, metrics.tokens
    assert len(asked) == counts.total == counts.success + counts.error
    assert counts.total == sum(counts.by_model.values()) == sum(counts.by_provider.values())
    assert tokens.total == sum(metrics.tokens_by_type.values())
    assert tokens.total == sum(row.tokens.total for row in metrics.models)
    assert costs.total == pytest.approx(sum(costs.by_model.values()), abs=1e-9)
    assert costs.total == pytest.approx(sum(costs.by_provider.values()), abs=1e-9)
    assert costs.total == pytest.approx(sum(metrics.costs_by_component.values()), abs=1e-9)
    assert sum(len(r.attempts) for r in found) == sum(row.requests for row in metrics.models)


@patient
@given(found=many)
def test_every_failure_has_a_type_and_a_source(found):
    errors = built(snapshot_of(found)).errors

    hung_up = sum(r.outcome is Outcome.CLIENT_DISCONNECT for r in found)
    failed = sum(r.failure is not None for r in found)
    assert hung_up == errors.by_type.get("client_disconnect", 0)
    assert failed == sum(errors.by_type.values()) - hung_up == sum(errors.by_source.values())


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [number for part in parts for number in numbers(part)]
    return [value] if isinstance(value, int | float) else []


@patient
@given(found=many, covered_s=st.floats(0, 1e6))
def test_numbers_are_numbers_and_shares_are_shares(found, covered_s):
    """No NaN, no infinity, nothing negative, no share above one."""
    metrics = built(snapshot_of(found, covered_s=covered_s))

    shares = (
        metrics.requests.success_rate,
        metrics.window.coverage,
        *(row.success_rate for row in metrics.models),
        *metrics.cost_status.model_dump().values(),
    )
    assert all(0 <= share <= 1 for share in shares if share is not None)
    every = numbers(metrics.model_dump(mode="json"))
    assert all(math.isfinite(number) and number >= 0 for number in every)


@patient
@given(found=many)
def test_the_same_snapshot_gives_the_same_answer(found):
    snapshot = snapshot_of(found)

    assert built(snapshot) == built(snapshot)


def test_what_is_not_there_is_left_out(busy):
    """A change that is not covered, a history nobody asked for: absent, not null."""
    assert not {"change", "history"} & set(shown(busy))
