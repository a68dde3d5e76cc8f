"""Snapshot -> :class:`GatewayMetrics`. Pure: the same snapshot gives the same answer."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from litellm_obs_plugin.gateway_api import models
from litellm_obs_plugin.gateway_api.circuits import list_circuits
from litellm_obs_plugin.metrics.catalog import BY_NAME
from litellm_obs_plugin.metrics.sketch import RELATIVE_ERROR, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import ErrorType, Outcome, Source
from litellm_obs_plugin.slo.interval import wilson

_ANSWERED = (Outcome.SUCCESS, Outcome.CACHE_HIT)
_FAILED = (Outcome.ERROR, Outcome.REJECTED)
_INPUT_TYPES = ("input", "cached_input", "cache_write")
_OUTPUT_TYPES = ("output", "reasoning")
# The caller's own mistakes say nothing about a provider.
_CALLERS_ERRORS = (ErrorType.BAD_REQUEST, ErrorType.CONTEXT_LENGTH, ErrorType.CONTENT_POLICY)
_NONE: Mapping[str, models.ProviderState] = MappingProxyType({})


def build_metrics(
    snapshot: Snapshot,
    *,
    asked_window_s: float,
    circuit_changes: Sequence[Mapping[str, Any]] = (),
    providers: Mapping[str, models.ProviderState] = _NONE,
    covered_s: float | None = None,
) -> models.GatewayMetrics:
    """The whole answer for one snapshot; *asked_window_s* is what the caller asked for.

    *providers* are the health report's verdicts, each with its probe's latency. *covered_s*: how
    much of the snapshot's time was watched, when it is a window of history.
    """
    duration = _answered_duration(snapshot)
    tokens = whole(snapshot.by("tokens_total", "type"))
    costs = snapshot.by("cost_usd_total", "component")
    requests = _requests(snapshot)
    window = describe_window(snapshot, asked_window_s, covered_s)
    money = math.fsum(costs.values())
    return models.GatewayMetrics(
        requests=requests,
        latency=latency_of(duration),
        costs=models.Costs(
            total=money,
            by_model=snapshot.by("cost_usd_total", "model"),
            by_provider=snapshot.by("cost_usd_total", "provider"),
            by_team=snapshot.by("cost_usd_by_team_total", "team"),
            by_key=snapshot.by("cost_usd_by_key_total", "key"),
            by_tag=snapshot.by("cost_usd_by_tag_total", "tag"),
        ),
        tokens=sum_tokens(tokens),
        providers=_providers(snapshot, providers),
        generated_at=to_datetime(snapshot.taken_at),
        window=window,
        scope="instance",
        accuracy=models.Accuracy(
            relative_error=RELATIVE_ERROR, samples=duration.count if duration else 0
        ),
        models=model_rows(snapshot),
        cost_status=_cost_status(snapshot),
        errors=_errors(snapshot),
        tokens_by_type=tokens,
        costs_by_component=costs,
        cache_savings=snapshot.total("cache_savings_usd_total"),
        failover=_failover(snapshot),
        circuits=list_circuits(snapshot, circuit_changes),
        overhead=models.Overhead(
            queue=latency_of(snapshot.sketch("overhead_seconds", phase="queue")),
            gateway=latency_of(snapshot.sketch("overhead_seconds", phase="gateway")),
            backoff=latency_of(snapshot.sketch("overhead_seconds", phase="backoff")),
        ),
        ttft=latency_of(snapshot.sketch("time_to_first_token_seconds")),
        rates=make_rates(requests.total, sum(tokens.values()), money, window.seconds),
    )


def describe_window(
    snapshot: Snapshot, asked_window_s: float, covered_s: float | None
) -> models.Window:
    """What the numbers of *snapshot* cover; *covered_s* is None when it is no history."""
    seconds = covered_s
    if seconds is None:
        seconds = max(snapshot.taken_at - snapshot.started_at, 0.0)
    return models.Window(
        start=to_datetime(snapshot.started_at),
        end=to_datetime(snapshot.taken_at),
        seconds=seconds,
        coverage=min(seconds / asked_window_s, 1.0),
        basis="since_start" if covered_s is None else "history",
    )


def _requests(snapshot: Snapshot) -> models.Requests:
    by_outcome = whole(snapshot.by("requests_total", "outcome"))
    success = sum(by_outcome.get(o, 0) for o in _ANSWERED)
    error = sum(by_outcome.get(o, 0) for o in _FAILED)
    blamed = error - int(snapshot.total("request_errors_total", source=Source.CLIENT))
    return models.Requests(
        total=success + error,
        success=success,
        error=error,
        by_model=_counted(snapshot, "requests_total", "model_group"),
        by_provider=_counted(snapshot, "requests_by_provider_total", "provider"),
        success_rate=ratio(success, success + blamed),
    )


def _counted(snapshot: Snapshot, metric: str, label: str) -> dict[str, int]:
    """Requests by *label*, of the outcomes that make up the total."""
    names = BY_NAME[metric].labels
    at, outcome = names.index(label), names.index("outcome")
    sums: dict[str, float] = {}
    for labels, value in snapshot.numbers(metric):
        if labels[outcome] in (*_ANSWERED, *_FAILED):
            sums[labels[at]] = sums.get(labels[at], 0.0) + value
    return whole(dict(sorted(sums.items(), key=lambda item: (-item[1], item[0]))))


def _answered_duration(snapshot: Snapshot) -> Sketch | None:
    """Durations of answered requests: a refusal in a millisecond says nothing of latency."""
    return snapshot.sketch("request_duration_seconds", outcome=Outcome.SUCCESS)


def latency_of(sketch: Sketch | None) -> models.Latency:
    """Quantiles and mean in milliseconds; all None without a value."""

    def at(quantile: float) -> float | None:
        return _ms(sketch.get_quantile_value(quantile)) if sketch is not None else None

    average = _ms(sketch.avg) if sketch is not None else None
    return models.Latency(p50=at(0.50), p95=at(0.95), p99=at(0.99), average=average)


def sum_tokens(by_type: dict[str, int]) -> models.Tokens:
    inputs = sum(by_type.get(t, 0) for t in _INPUT_TYPES)
    outputs = sum(by_type.get(t, 0) for t in _OUTPUT_TYPES)
    return models.Tokens(input=inputs, output=outputs, total=inputs + outputs)


def _errors(snapshot: Snapshot) -> models.Errors:
    by_type = whole(snapshot.by("request_errors_total", "error_type"))
    hung_up = int(snapshot.total("requests_total", outcome=Outcome.CLIENT_DISCONNECT))
    if hung_up:
        by_type["client_disconnect"] = hung_up
    by_source = whole(snapshot.by("request_errors_total", "source"))
    return models.Errors(by_type=by_type, by_source=by_source)


def _cost_status(snapshot: Snapshot) -> models.CostStatus:
    by_status = snapshot.by("requests_by_cost_status_total", "status")
    total = math.fsum(by_status.values())
    priced, estimated, unpriced = (
        ratio(by_status.get(s, 0.0), total) for s in ("priced", "estimated", "unpriced")
    )
    return models.CostStatus(priced=priced, estimated=estimated, unpriced=unpriced)


def make_rates(
    requests: int | None, tokens: int | None, cost_usd: float | None, seconds: float
) -> models.Rates:
    """What came per second and hour; None where it is not known."""
    return models.Rates(
        requests_per_second=ratio(requests, seconds),
        tokens_per_second=ratio(tokens, seconds),
        cost_per_hour=ratio(cost_usd * 3600 if cost_usd is not None else None, seconds),
    )


def _failover(snapshot: Snapshot) -> models.Failover:
    by_outcome = whole(snapshot.by("failovers_total", "outcome"))
    pairs: dict[tuple[str, str, str], dict[str, int]] = {}
    for (source, target, reason, outcome), count in snapshot.numbers("failovers_total"):
        pair = pairs.setdefault((source, target, reason), {"recovered": 0, "failed": 0})
        pair[outcome] += round(count)
    delay = snapshot.sketch("failover_delay_seconds")
    usd = snapshot.by("failover_cost_usd_total", "sign")
    return models.Failover(
        total=sum(by_outcome.values()),
        recovered=by_outcome.get("recovered", 0),
        failed=by_outcome.get("failed", 0),
        seconds_lost=delay.sum if delay is not None else 0.0,
        cost_added_usd=usd.get("added", 0.0) - usd.get("saved", 0.0),
        pairs=[
            models.FailoverPair(source=source, target=target, reason=reason, **counts)
            for (source, target, reason), counts in sorted(pairs.items())
        ],
    )


def _providers(
    snapshot: Snapshot, verdicts: Mapping[str, models.ProviderState]
) -> dict[str, models.ProviderState]:
    """The verdicts, with the latency of real calls where there were any."""
    states = {}
    for provider, verdict in verdicts.items():
        called = latency_of(snapshot.sketch("provider_duration_seconds", provider=provider)).p50
        latency = called if called is not None else verdict.latency
        states[provider] = verdict.model_copy(update={"latency": latency})
    return states


def attempt_success_rate(snapshot: Snapshot, **where: str) -> float | None:
    success = snapshot.total("attempts_total", outcome=Outcome.SUCCESS, **where)
    errors = snapshot.by("attempts_total", "error_type", outcome=Outcome.ERROR, **where)
    blamed = math.fsum(n for kind, n in errors.items() if kind not in _CALLERS_ERRORS)
    return ratio(success, success + blamed)


def model_rows(snapshot: Snapshot) -> list[models.ModelRow]:
    names = BY_NAME["attempts_total"].labels
    at = names.index("provider"), names.index("model")
    pairs = {(ls[at[0]], ls[at[1]]) for ls, _ in snapshot.numbers("attempts_total")}
    rows = [_model(snapshot, provider=p, model=m) for p, m in sorted(pairs)]
    return sorted(rows, key=lambda row: -row.requests)


def _model(snapshot: Snapshot, *, provider: str, model: str) -> models.ModelRow:
    where = {"provider": provider, "model": model}
    by_outcome = snapshot.by("attempts_total", "outcome", **where)
    tokens = sum_tokens(whole(snapshot.by("tokens_total", "type", **where)))
    priced = list(snapshot.numbers("cost_usd_total", **where))
    cost_usd = math.fsum(usd for _, usd in priced) if priced else None
    duration = snapshot.sketch("provider_duration_seconds", **where)
    busy_s = duration.sum if duration is not None else 0.0
    success, errors = (int(by_outcome.get(o, 0)) for o in (Outcome.SUCCESS, Outcome.ERROR))
    attempts = int(math.fsum(by_outcome.values()))
    return models.ModelRow(
        model=model,
        provider=provider,
        requests=attempts,
        success_rate=attempt_success_rate(snapshot, **where),
        errors=errors,
        error_rate_interval=wilson(errors, attempts) if attempts else None,
        latency=latency_of(duration),
        ttft=latency_of(snapshot.sketch("time_to_first_token_seconds", **where)),
        tokens_per_second=ratio(tokens.output, busy_s) if tokens.output else None,
        tokens=tokens,
        costs=cost_usd,
        cost_per_thousand_tokens=_per(cost_usd, (tokens.total or 0) / 1000),
        cost_per_request=_per(cost_usd, success),
    )


def whole(values: dict[str, float]) -> dict[str, int]:
    return {key: round(value) for key, value in values.items()}


def ratio(part: float | None, of: float) -> float | None:
    return part / of if part is not None and of > 0 else None


def _per(usd: float | None, count: float) -> float | None:
    return usd / count if usd is not None and count > 0 else None


def _ms(seconds: float | None) -> float | None:
    return seconds * 1000 if seconds is not None else None


def to_datetime(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)
