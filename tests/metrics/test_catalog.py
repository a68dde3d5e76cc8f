"""The metrics that dashboards and alerts rely on: names, kinds and labels may not change."""

import pytest

from litellm_obs_plugin.metrics.catalog import BY_NAME, CATALOG, Kind

PROMISED = {
    Kind.COUNTER: {
        "requests_total": "model_group operation stream outcome",
        "request_errors_total": "model_group error_type source",
        "attempts_total": "model_group provider model outcome error_type",
        "ttft_invalid_total": "provider reason",
        "tokens_total": "model_group provider model type",
        "cost_usd_total": "model_group provider model component",
        "unpriced_requests_total": "model_group reason",
        "cache_requests_total": "model_group result",
        "cache_savings_usd_total": "model_group kind",
        "failovers_total": "from_model_group to_model_group reason outcome",
        "failover_cost_usd_total": "from_model_group to_model_group sign",
        "retries_total": "provider reason",
        "circuit_transitions_total": "deployment provider to reason",
        "circuit_open_seconds_total": "deployment provider",
        "plugin_errors_total": "stage",
        "plugin_events_dropped_total": "reason",
        "series_overflow_total": "metric",
        "langfuse_observations_total": "result",
        "slo_events_total": "slo result",
    },
    Kind.GAUGE: {
        "inflight_requests": "model_group",
        "circuit_state": "deployment model_group provider state",
        "provider_up": "provider",
        "provider_probe_duration_seconds": "provider",
        "ratelimit_remaining_ratio": "deployment provider resource",
        "ratelimit_seen_timestamp_seconds": "deployment provider resource",
        "budget_limit_usd": "name",
        "budget_spent_usd": "name",
        "budget_exhaustion_timestamp_seconds": "name",
        "plugin_info": "version litellm_version",
        "plugin_active_series": "",
        "workers": "",
        "langfuse_queue_items": "",
        "langfuse_queue_bytes": "",
        "langfuse_last_success_timestamp_seconds": "",
        "component_up": "component",
        "history_write_timestamp_seconds": "",
        "langfuse_cost_delta_ratio": "",
        "slo_objective_ratio": "slo",
        "slo_burn_rate": "slo window",
        "slo_budget_remaining_ratio": "slo",
    },
    Kind.SKETCH: {
        "request_duration_seconds": "model_group stream outcome",
        "request_attempts": "model_group",
        "provider_duration_seconds": "provider model stream",
        "time_to_first_token_seconds": "provider model",
        "time_per_output_token_seconds": "provider model",
        "output_tokens_per_second": "provider model",
        "overhead_seconds": "phase",
        "cost_per_request_usd": "model_group",
        "failover_delay_seconds": "from_model_group",
        "plugin_record_seconds": "",
        "plugin_scrape_seconds": "",
        "event_loop_lag_seconds": "",
    },
}

FORBIDDEN = {"user", "end_user", "email", "ip", "user_agent", "call_id", "api_base", "error"}


@pytest.mark.parametrize(
    ("name", "kind", "labels"),
    [(name, kind, labels) for kind, rows in PROMISED.items() for name, labels in rows.items()],
)
def test_a_promised_metric_is_there(name, kind, labels):
    assert (kind, tuple(labels.split())) == (BY_NAME[name].kind, BY_NAME[name].labels)


@pytest.mark.parametrize("metric", CATALOG, ids=lambda metric: metric.name)
def test_a_metric_is_named_by_the_rules(metric):
    """`_total` on counters alone, the unit in the name, and no label that names a person."""
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
    assert metric.unit in metric.name
    assert FORBIDDEN.isdisjoint(metric.labels)


def test_names_are_unique():
    assert len(CATALOG) == len(BY_NAME)
