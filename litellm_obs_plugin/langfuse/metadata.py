"""The metadata of observations: flat, in plain values, so that Langfuse can filter by each."""

from collections.abc import Mapping
from operator import ne
from typing import cast

from litellm_obs_plugin.langfuse.observation import Plain
from litellm_obs_plugin.record import (
    Attempt,
    CircuitChange,
    Deployment,
    Failover,
    Failure,
    Outcome,
    Request,
)

_MAX_CHARS = 2_000


def of_all(request: Request) -> dict[str, Plain | None]:
    """What stands on every observation but events: which request it is, and whose cost."""
    caller = request.caller
    return {
        "request_id": _short(request.call_id),
        "team": _short(caller.team),
        "key": _short(caller.key_alias),
    }


def of_request(request: Request, *, shared: Mapping[str, Plain | None]) -> dict[str, Plain]:
    """What the request was, what it took and what it cost; *shared* is :func:`of_all`."""
    last = request.last_attempt
    deployment = last.deployment if last is not None else None
    hops, tries = len(request.failovers), len(request.attempts)
    changes = _changes(request) if tries > 1 else 0
    total_s, provider_s, backoff_s = request.duration_s, request.provider_s, request.backoff_s
    overhead_s = None
    if total_s is not None:
        overhead_s = max(total_s - provider_s - backoff_s - (request.queue_s or 0.0), 0.0)
    return _told(
        {
            **shared,
            "outcome": request.outcome,
            "operation": request.operation,
            "stream": request.stream,
            "model_group": _short(request.model_group),
            "answered_by": deployment.model_group if deployment is not None else None,
            "provider": deployment.provider if deployment is not None else None,
            "deployment_id": deployment.id if deployment is not None else None,
            "route": _short(_route(request)),
            "attempts": tries,
            "retries": max(tries - 1 - changes, 0),
            "failovers": hops,
            "trace_cost_usd": request.cost_usd or 0.0,
            "cost_status": request.cost_status,
            "total_ms": _ms(total_s),
            "provider_ms": _ms(provider_s),
            "overhead_ms": _ms(overhead_s),
            "queue_ms": _ms(request.queue_s),
            "backoff_ms": _ms(backoff_s),
            "ttft_ms": _ms(last.ttft.value_s) if last is not None and last.ttft else None,
            "cache_hit": True if request.outcome is Outcome.CACHE_HIT else None,
            "cache_saved_usd": request.cache_saved_usd or None,
            **_failure(request.failure),
        }
    )


def of_attempt(
    attempt: Attempt,
    *,
    number: int,
    retry: int,
    fallback: int,
    shared: Mapping[str, Plain | None],
) -> dict[str, Plain]:
    """Who was called, as which try, and how it went; *shared* is :func:`of_all`."""
    deployment, cost = attempt.deployment, attempt.cost
    billed = attempt.outcome is not Outcome.ERROR or bool(cost and cost.total_usd)
    return _told(
        {
            **shared,
            "outcome": attempt.outcome,
            "attempt": number,
            "retry_index": retry,
            "fallback_index": fallback,
            "model_group": deployment.model_group,
            "provider": deployment.provider,
            "deployment_id": deployment.id,
            "billed": billed,
            "cost_status": cost.status if cost is not None and billed else None,
            "provider_ms": _ms(attempt.duration_s),
            "ttft_ms": _ms(attempt.ttft.value_s) if attempt.ttft is not None else None,
            "provider_request_id": _short(attempt.provider_request_id),
            **_failure(attempt.failure),
        }
    )


def of_failover(failover: Failover) -> dict[str, Plain]:
    """From where to where, why, and what it cost in time and money."""
    source, target = failover.source, failover.target
    return _told(
        {
            "from_model_group": source.model_group,
            "from_provider": source.provider,
            "from_deployment_id": source.id,
            "to_model_group": target.model_group,
            "to_provider": target.provider,
            "to_deployment_id": target.id,
            "reason": failover.reason,
            "outcome": "recovered" if failover.recovered else "failed",
            "failover_latency_ms": _ms(failover.delay_s),
            "cost_added_usd": failover.cost_added_usd,
        }
    )


def of_circuit(change: CircuitChange) -> dict[str, Plain]:
    """Which deployment rests, why, and for how long."""
    rest_s = change.recovers_at - change.at if change.recovers_at is not None else None
    deployment = change.deployment
    return _told(
        {
            "deployment_id": deployment.id,
            "model_group": deployment.model_group,
            "provider": deployment.provider,
            "reason": change.reason,
            "recovers_after_ms": _ms(rest_s),
        }
    )


def _failure(failure: Failure | None) -> dict[str, Plain | None]:
    if failure is None:
        return {}
    return {
        "error_type": failure.error_type,
        "error_source": failure.source,
        "error_class": failure.error_class or None,
        "error_code": failure.status_code,
        "normalized_error": failure.normalized or None,
        "traceback": failure.traceback or None,
    }


def _route(request: Request) -> str | None:
    """``primary/dep-a x2 > backup/dep-b``: what the router chose, in order."""
    runs: list[tuple[Deployment, int]] = []
    for attempt in request.attempts:
        deployment = attempt.deployment
        if runs and runs[-1][0] == deployment:
            runs[-1] = (deployment, runs[-1][1] + 1)
        else:
            runs.append((deployment, 1))
    named = [
        f"{d.model_group}/{d.id} x{n}" if n > 1 else f"{d.model_group}/{d.id}" for d, n in runs
    ]
    return " > ".join(named) or None


def _changes(request: Request) -> int:
    groups = [attempt.deployment.model_group for attempt in request.attempts]
    return sum(map(ne, groups, groups[1:]))


def _ms(seconds: float | None) -> float | None:
    return round(seconds * 1e6) / 1e3 if seconds is not None else None  # to the microsecond


def _told(values: dict[str, Plain | None]) -> dict[str, Plain]:
    """*values* less those that are not known; most are, so it is less work to take them out."""
    for name in [name for name, value in values.items() if value is None]:
        del values[name]
    return cast(dict[str, Plain], values)


def _short(text: str | None) -> str | None:
    """*text* in bounded length: callers and providers choose it."""
    return text[:_MAX_CHARS] if text is not None else None
