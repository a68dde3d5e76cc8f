"""Every metric as a row: its name, its meaning, and how it is read off a finished request.

A new metric is one line here and one line in the golden page.
"""

from litellm_obs_plugin.metrics import reading
from litellm_obs_plugin.metrics.aspect import Aspect
from litellm_obs_plugin.metrics.attribution import ATTRIBUTION
from litellm_obs_plugin.metrics.gen_ai import GEN_AI
from litellm_obs_plugin.metrics.metric import PREFIX as PREFIX
from litellm_obs_plugin.metrics.metric import Kind as Kind
from litellm_obs_plugin.metrics.metric import Labels as Labels
from litellm_obs_plugin.metrics.metric import Metric as Metric
from litellm_obs_plugin.metrics.metric import counter, gauge, sketch
from litellm_obs_plugin.metrics.sketch import COUNTS, DOLLARS, MICROSECONDS, RATES, SECONDS

# Labels whose values callers or operators choose; past the cap these fold into `other`.
OPEN_LABELS = frozenset(
    {
        *("model_group", "from_model_group", "to_model_group"),
        *("model", "provider", "deployment", "reason", "team", "key", "tag"),
        *("gen_ai_provider_name", "gen_ai_request_model"),
    }
)


CATALOG: tuple[Metric, ...] = (
    counter(
        "requests_total",
        "Finished requests, by the model group that was asked for.",
        *("model_group", "operation", "stream", "outcome"),
        read=reading.requests,
        by_variety=True,
    ),
    counter(
        "request_errors_total",
        "Requests that ended in an error or were rejected.",
        *("model_group", "error_type", "source"),
        read=reading.request_errors,
        of=Aspect.FAILURE,
    ),
    sketch(
        "request_duration_seconds",
        "From the proxy's receipt of a request to the end of its answer.",
        *("model_group", "stream", "outcome"),
        domain=SECONDS,
        read=reading.request_duration,
        exemplars=True,
    ),
    sketch(
        "request_attempts",
        "Provider calls per request, first try, retries and fallbacks together.",
        "model_group",
        domain=COUNTS,
        read=reading.request_attempts,
        by_variety=True,
    ),
    counter(
        "attempts_total",
        "Calls of a deployment. error_type is empty unless the outcome is error.",
        *("model_group", "provider", "model", "outcome", "error_type"),
        read=reading.attempts,
        by_variety=True,
    ),
    sketch(
        "provider_duration_seconds",
        "Provider time of a successful attempt, up to the last byte.",
        *("provider", "model", "stream"),
        domain=SECONDS,
        read=reading.provider_duration,
        exemplars=True,
    ),
    sketch(
        "time_to_first_token_seconds",
        "Streamed chat only: from calling the provider to its first token.",
        *("provider", "model"),
        domain=SECONDS,
        read=reading.time_to_first_token,
        of=Aspect.STREAM,
        exemplars=True,
    ),
    counter(
        "ttft_invalid_total",
        "Streams whose time to first token could not be told.",
        *("provider", "reason"),
        read=reading.ttft_invalid,
        by_variety=True,
        of=Aspect.STREAM,
    ),
    sketch(
        "time_per_output_token_seconds",
        "Streamed chat only: seconds per token after the first one.",
        *("provider", "model"),
        domain=SECONDS,
        read=reading.time_per_output_token,
        of=Aspect.STREAM,
    ),
    sketch(
        "output_tokens_per_second",
        "Output tokens of a successful attempt over its provider time.",
        *("provider", "model"),
        domain=RATES,
        read=reading.output_tokens_per_second,
    ),
    sketch(
        "overhead_seconds",
        "Time of a request outside the providers: queue, gateway, waits between attempts.",
        "phase",
        domain=SECONDS,
        read=reading.overhead,
    ),
    counter(
        "retries_total",
        "Attempts that followed a failed one in the same model group.",
        *("provider", "reason"),
        read=reading.retries,
        of=Aspect.RETRY,
    ),
    counter(
        "failovers_total",
        "Changes to another model group because one could not answer.",
        *("from_model_group", "to_model_group", "reason", "outcome"),
        read=reading.failovers,
        of=Aspect.FAILOVER,
    ),
    sketch(
        "failover_delay_seconds",
        "From a request's first attempt to the start of the one that answered, after a failover.",
        "from_model_group",
        domain=SECONDS,
        read=reading.failover_delay,
        of=Aspect.FAILOVER,
    ),
    counter(
        "failover_cost_usd_total",
        "US dollars that failovers added to, or saved on, what the first choice would have cost.",
        *("from_model_group", "to_model_group", "sign"),
        unit="usd",
        read=reading.failover_cost,
        of=Aspect.FAILOVER,
    ),
    counter(
        "tokens_total",
        "Tokens by type. The types are disjoint: they sum to the total.",
        *("model_group", "provider", "model", "type"),
        read=reading.tokens,
    ),
    counter(
        "cost_usd_total",
        "Cost in US dollars by component. The components are disjoint: they sum to the cost.",
        *("model_group", "provider", "model", "component"),
        unit="usd",
        read=reading.cost,
    ),
    sketch(
        "cost_per_request_usd",
        "Cost of a request in US dollars, where it is known.",
        "model_group",
        domain=DOLLARS,
        read=reading.cost_per_request,
        exemplars=True,
    ),
    counter(
        "requests_by_cost_status_total",
        "Requests that used tokens or money, by how sure their cost is.",
        "status",
        read=reading.cost_status,
        by_variety=True,
    ),
    counter(
        "unpriced_requests_total",
        "Requests whose cost is not known.",
        *("model_group", "reason"),
        read=reading.unpriced,
        by_variety=True,
    ),
    counter(
        "cache_requests_total",
        "Requests answered by the gateway's cache.",
        *("model_group", "result"),
        read=reading.cache,
        of=Aspect.CACHE_HIT,
    ),
    counter(
        "cache_savings_usd_total",
        "US dollars that cached answers would have cost.",
        *("model_group", "kind"),
        unit="usd",
        read=reading.cache_savings,
        of=Aspect.CACHE_HIT,
    ),
    counter(
        "requests_by_provider_total",
        "Finished requests, by the provider that answered or was tried last.",
        *("provider", "outcome"),
        read=reading.requests_by_provider,
        by_variety=True,
    ),
    gauge(
        "circuit_state",
        "1 for the state a deployment's circuit is in: open when it rests in any worker.",
        *("deployment", "model_group", "provider", "state"),
    ),
    gauge(
        "circuit_open_workers",
        "Workers in which a deployment rests; without Redis they may disagree.",
        *("deployment", "model_group", "provider"),
    ),
    counter(
        "circuit_transitions_total",
        "Changes of a deployment's circuit, in each worker that saw them.",
        *("deployment", "provider", "to", "reason"),
    ),
    counter(
        "circuit_open_seconds_total",
        "Seconds a deployment's circuit was open, summed over workers.",
        *("deployment", "provider"),
    ),
    counter(
        "langfuse_observations_total",
        "Observations for Langfuse, by what became of them.",
        "result",
    ),
    gauge("langfuse_queue_items", "Traces that wait to be sent to Langfuse."),
    gauge(
        "langfuse_queue_bytes",
        "Memory of the traces that wait to be sent to Langfuse.",
        unit="bytes",
    ),
    gauge(
        "langfuse_last_success_timestamp_seconds",
        "When Langfuse last took traces, of any worker.",
        unit="seconds",
        newest=True,
    ),
    gauge(
        "history_write_timestamp_seconds",
        "When history was last written, of any worker.",
        unit="seconds",
        newest=True,
    ),
    gauge(
        "provider_up", "0 when the health report calls a provider unhealthy, else 1.", "provider"
    ),
    gauge(
        "provider_probe_duration_seconds",
        "The last free probe of a provider: look-up, connection, TLS, answer.",
        "provider",
        unit="seconds",
    ),
    gauge(
        "component_up",
        "0 when the health report calls a part of the gateway unhealthy, else 1.",
        "component",
    ),
    sketch(
        "event_loop_lag_seconds",
        "How late the proxy's event loop came back to a timer, once a second per worker.",
        domain=SECONDS,
    ),
    gauge("inflight_requests", "Requests under way, sampled once a second.", "model_group"),
    gauge(
        "ratelimit_remaining_ratio",
        "What is left of a provider's rate limit, 0 to 1, as the last answer said.",
        *("deployment", "provider", "resource"),
    ),
    gauge(
        "ratelimit_seen_timestamp_seconds",
        "When that answer came, seconds since the epoch.",
        *("deployment", "provider", "resource"),
        unit="seconds",
    ),
    gauge(
        "worker_ratelimit_ratio",
        "The same, as one worker saw it.",
        *("deployment", "provider", "resource", "worker"),
        hidden=True,
    ),
    gauge(
        "worker_ratelimit_seen",
        "When that worker saw it.",
        *("deployment", "provider", "resource", "worker"),
        hidden=True,
    ),
    gauge(
        "worker_key_budget",
        "LiteLLM's own budget of a key or a team, as one worker saw it.",
        *("owner", "key", "part", "worker"),
        hidden=True,
    ),
    counter(
        "cost_mismatches_total",
        "Answers whose cost components differ from LiteLLM's cost by more than 1 %.",
        "provider",
        read=reading.cost_mismatches,
        by_variety=True,
    ),
    counter(
        "budget_period_usd_total",
        "US dollars spent under a budget, by the first day of its period.",
        *("name", "period"),
        unit="usd",
    ),
    counter(
        "cost_by_day_usd_total",
        "US dollars by the UTC day on which an attempt began, to be compared with other books.",
        *("day", "model"),
        unit="usd",
        read=reading.cost_by_day,
        hidden=True,
    ),
    gauge(
        "langfuse_cost_delta_ratio",
        "Cost in Langfuse over ours, less 1, of the last day; absent when either is not known.",
    ),
    gauge("budget_limit_usd", "US dollars that a budget allows per period.", "name", unit="usd"),
    gauge("budget_spent_usd", "US dollars spent in a budget's period.", "name", unit="usd"),
    gauge(
        "budget_exhaustion_timestamp_seconds",
        "When a budget will be used up at this rate; absent when it lasts its period.",
        "name",
        unit="seconds",
    ),
    counter(
        "slo_events_total",
        "Requests that count under an objective: good or bad.",
        *("slo", "result"),
    ),
    gauge("slo_objective_ratio", "Share of requests that is to be good.", "slo", unit="ratio"),
    gauge(
        "slo_burn_rate",
        "How many times faster than allowed the budget of bad requests is used.",
        *("slo", "window"),
    ),
    gauge(
        "slo_budget_remaining_ratio",
        "Share of 30 days' allowed bad requests that is left; negative when overdrawn.",
        "slo",
        unit="ratio",
    ),
    counter("plugin_errors_total", "Failures inside the plugin, caught and counted.", "stage"),
    counter("plugin_events_dropped_total", "Events that could not be recorded.", "reason"),
    counter("series_overflow_total", "Samples folded into `other` past max_series.", "metric"),
    gauge("workers", "Living workers of this proxy."),
    gauge("plugin_active_series", "Series held in the plugin's state."),
    gauge("plugin_info", "Always 1; the versions are in the labels.", "version", "litellm_version"),
    gauge("plugin_damaged_files", "State files that cannot be read and are left out."),
    sketch(
        "plugin_record_seconds",
        "Time to record one finished request, of one in 64.",
        domain=MICROSECONDS,
    ),
    sketch(
        "plugin_scrape_seconds",
        "Time to read the state and render one page of metrics.",
        domain=SECONDS,
    ),
    *ATTRIBUTION,
    *GEN_AI,
)

BY_NAME = {metric.name: metric for metric in CATALOG}
NEWEST = frozenset(metric.name for metric in CATALOG if metric.newest)
