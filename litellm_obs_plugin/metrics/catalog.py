"""Every metric as a row: its name, its meaning, and how it is read off a finished request.

A new metric is one line here and one line in the golden page.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from litellm_obs_plugin.metrics import reading
from litellm_obs_plugin.metrics.sketch import COUNTS, DOLLARS, RATES, SECONDS, Domain
from litellm_obs_plugin.record import Request

PREFIX = "llm_gateway_"

Labels = tuple[str, ...]
Sample = tuple[Labels, float]
Reader = Callable[[Request], Iterable[Sample]]


class Kind(StrEnum):
    """The shape of a metric; a sketch is exported as a histogram."""

    COUNTER = "counter"
    GAUGE = "gauge"
    SKETCH = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row. *read* yields (label values, value) pairs; rows without it are counted by name."""

    name: str
    help: str
    kind: Kind
    labels: Labels = ()
    unit: str = ""
    domain: Domain | None = None
    read: Reader | None = None
    newest: bool = False  # of several workers' gauges the largest is shown, not the sum
    exemplars: bool = False  # keep the ids of some of the values, to find their requests by

    @property
    def full_name(self) -> str:
        return PREFIX + self.name


# Labels whose values callers or operators choose; past the cap these fold into `other`.
OPEN_LABELS = frozenset(
    {
        *("model_group", "from_model_group", "to_model_group"),
        *("model", "provider", "deployment", "reason", "team", "key"),
    }
)


def _counter(
    name: str, help: str, *labels: str, read: Reader | None = None, unit: str = ""
) -> Metric:
    return Metric(name=name, help=help, kind=Kind.COUNTER, labels=labels, unit=unit, read=read)


def _sketch(
    name: str, help: str, *labels: str, read: Reader, domain: Domain, exemplars: bool = False
) -> Metric:
    return Metric(
        name=name,
        help=help,
        kind=Kind.SKETCH,
        labels=labels,
        unit={SECONDS: "seconds", DOLLARS: "usd"}.get(domain, ""),
        domain=domain,
        read=read,
        exemplars=exemplars,
    )


CATALOG: tuple[Metric, ...] = (
    _counter(
        "requests_total",
        "Finished requests, by the model group that was asked for.",
        *("model_group", "operation", "stream", "outcome"),
        read=reading.requests,
    ),
    _counter(
        "request_errors_total",
        "Requests that ended in an error or were rejected.",
        *("model_group", "error_type", "source"),
        read=reading.request_errors,
    ),
    _sketch(
        "request_duration_seconds",
        "From the proxy's receipt of a request to the end of its answer.",
        *("model_group", "stream", "outcome"),
        domain=SECONDS,
        read=reading.request_duration,
        exemplars=True,
    ),
    _sketch(
        "request_attempts",
        "Provider calls per request, first try, retries and fallbacks together.",
        "model_group",
        domain=COUNTS,
        read=reading.request_attempts,
    ),
    _counter(
        "attempts_total",
        "Calls of a deployment. error_type is empty unless the outcome is error.",
        *("model_group", "provider", "model", "outcome", "error_type"),
        read=reading.attempts,
    ),
    _sketch(
        "provider_duration_seconds",
        "Provider time of a successful attempt, up to the last byte.",
        *("provider", "model", "stream"),
        domain=SECONDS,
        read=reading.provider_duration,
        exemplars=True,
    ),
    _sketch(
        "time_to_first_token_seconds",
        "Streamed chat only: from calling the provider to its first token.",
        *("provider", "model"),
        domain=SECONDS,
        read=reading.time_to_first_token,
        exemplars=True,
    ),
    _counter(
        "ttft_invalid_total",
        "Streams whose time to first token could not be told.",
        *("provider", "reason"),
        read=reading.ttft_invalid,
    ),
    _sketch(
        "time_per_output_token_seconds",
        "Streamed chat only: seconds per token after the first one.",
        *("provider", "model"),
        domain=SECONDS,
        read=reading.time_per_output_token,
    ),
    _sketch(
        "output_tokens_per_second",
        "Output tokens of a successful attempt over its provider time.",
        *("provider", "model"),
        domain=RATES,
        read=reading.output_tokens_per_second,
    ),
    _sketch(
        "overhead_seconds",
        "Time of a request outside the providers: queue, gateway, waits between attempts.",
        "phase",
        domain=SECONDS,
        read=reading.overhead,
    ),
    _counter(
        "retries_total",
        "Attempts that followed a failed one in the same model group.",
        *("provider", "reason"),
        read=reading.retries,
    ),
    _counter(
        "failovers_total",
        "Changes to another model group because one could not answer.",
        *("from_model_group", "to_model_group", "reason", "outcome"),
        read=reading.failovers,
    ),
    _sketch(
        "failover_delay_seconds",
        "From a request's first attempt to the start of the one that answered, after a failover.",
        "from_model_group",
        domain=SECONDS,
        read=reading.failover_delay,
    ),
    _counter(
        "failover_cost_usd_total",
        "US dollars that failovers added to, or saved on, what the first choice would have cost.",
        *("from_model_group", "to_model_group", "sign"),
        unit="usd",
        read=reading.failover_cost,
    ),
    _counter(
        "tokens_total",
        "Tokens by type. The types are disjoint: they sum to the total.",
        *("model_group", "provider", "model", "type"),
        read=reading.tokens,
    ),
    _counter(
        "cost_usd_total",
        "Cost in US dollars by component. The components are disjoint: they sum to the cost.",
        *("model_group", "provider", "model", "component"),
        unit="usd",
        read=reading.cost,
    ),
    _sketch(
        "cost_per_request_usd",
        "Cost of a request in US dollars, where it is known.",
        "model_group",
        domain=DOLLARS,
        read=reading.cost_per_request,
        exemplars=True,
    ),
    _counter(
        "requests_by_cost_status_total",
        "Requests that used tokens or money, by how sure their cost is.",
        "status",
        read=reading.cost_status,
    ),
    _counter(
        "unpriced_requests_total",
        "Requests whose cost is not known.",
        *("model_group", "reason"),
        read=reading.unpriced,
    ),
    _counter(
        "cache_requests_total",
        "Requests answered by the gateway's cache.",
        *("model_group", "result"),
        read=reading.cache,
    ),
    _counter(
        "cache_savings_usd_total",
        "US dollars that cached answers would have cost.",
        *("model_group", "kind"),
        unit="usd",
        read=reading.cache_savings,
    ),
    _counter(
        "requests_by_provider_total",
        "Finished requests, by the provider that answered or was tried last.",
        *("provider", "outcome"),
        read=reading.requests_by_provider,
    ),
    Metric(
        name="circuit_state",
        help="1 for the state a deployment's circuit is in: open when it rests in any worker.",
        kind=Kind.GAUGE,
        labels=("deployment", "model_group", "provider", "state"),
    ),
    Metric(
        name="circuit_open_workers",
        help="Workers in which a deployment rests; without Redis they may disagree.",
        kind=Kind.GAUGE,
        labels=("deployment", "model_group", "provider"),
    ),
    _counter(
        "circuit_transitions_total",
        "Changes of a deployment's circuit, in each worker that saw them.",
        *("deployment", "provider", "to", "reason"),
    ),
    _counter(
        "circuit_open_seconds_total",
        "Seconds a deployment's circuit was open, summed over workers.",
        *("deployment", "provider"),
    ),
    _counter(
        "langfuse_observations_total",
        "Observations for Langfuse, by what became of them.",
        "result",
    ),
    Metric(
        name="langfuse_queue_items",
        help="Traces that wait to be sent to Langfuse.",
        kind=Kind.GAUGE,
    ),
    Metric(
        name="langfuse_queue_bytes",
        help="Memory of the traces that wait to be sent to Langfuse.",
        kind=Kind.GAUGE,
        unit="bytes",
    ),
    Metric(
        name="langfuse_last_success_timestamp_seconds",
        help="When Langfuse last took traces, of any worker.",
        kind=Kind.GAUGE,
        unit="seconds",
        newest=True,
    ),
    _sketch(
        "event_loop_lag_seconds",
        "How late the proxy's event loop came back to a timer, once a second per worker.",
        domain=SECONDS,
        read=reading.nothing,
    ),
    _counter("plugin_errors_total", "Failures inside the plugin, caught and counted.", "stage"),
    _counter("plugin_events_dropped_total", "Events that could not be recorded.", "reason"),
    _counter("series_overflow_total", "Samples folded into `other` past max_series.", "metric"),
    Metric(name="workers", help="Living workers of this proxy.", kind=Kind.GAUGE),
    Metric(
        name="plugin_active_series",
        help="Series held in the plugin's state.",
        kind=Kind.GAUGE,
    ),
    Metric(
        name="plugin_info",
        help="Always 1; the versions are in the labels.",
        kind=Kind.GAUGE,
        labels=("version", "litellm_version"),
    ),
)

BY_NAME = {metric.name: metric for metric in CATALOG}
NEWEST = frozenset(metric.name for metric in CATALOG if metric.newest)
