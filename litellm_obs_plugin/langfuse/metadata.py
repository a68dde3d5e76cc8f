"""The metadata of observations: flat, in plain values, so that Langfuse can filter by each."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

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
from litellm_obs_plugin.redaction import hide_secrets

_MAX_CHARS = 2_000
_named = lru_cache(maxsize=4096)(hide_secrets)  # a caller may paste a key where a model belongs


def of_all(request: Request) -> dict[str, Plain]:
    """What stands on every observation but events: which request it is, and whose cost."""
    caller = request.caller
    known: dict[str, Plain] = {"request_id": request.call_id[:_MAX_CHARS]}
    if caller.team is not None:
        known["team"] = caller.team[:_MAX_CHARS]
    if caller.key_alias is not None:
        known["key"] = caller.key_alias[:_MAX_CHARS]
    return known


def of_request(request: Request, *, shared: Mapping[str, Plain]) -> dict[str, Plain]:
    """What the request was, what it took and what it cost; *shared* is :func:`of_all`."""
    tries, changes = len(request.attempts), 0
    known: dict[str, Plain] = {
        **shared,
        "outcome": request.outcome,
        "operation": request.operation,
        "stream": request.stream,
        "model_group": _named(request.model_group[:_MAX_CHARS]),
        "attempts": tries,
        "failovers": len(request.failovers),
        "trace_cost_usd": request.cost_usd or 0.0,
        **_times(request),
    }
    if tries:
        changes = _add_route(known, request.attempts)
    known["retries"] = max(tries - 1 - changes, 0)
    cost_status = request.cost_status
    if cost_status is not None:
        known["cost_status"] = cost_status
    if request.outcome is Outcome.CACHE_HIT:
        known["cache_hit"] = True
    if request.cache_saved_usd:
        known["cache_saved_usd"] = request.cache_saved_usd
    if request.failure is not None:
        known.update(_failure(request.failure))
    return known


def of_attempt(
    attempt: Attempt,
    *,
    number: int,
    retry: int,
    fallback: int,
    shared: Mapping[str, Plain],
) -> dict[str, Plain]:
    """Who was called, as which try, and how it went; *shared* is :func:`of_all`."""
    deployment, cost, ttft = attempt.deployment, attempt.cost, attempt.ttft
    billed = attempt.outcome is not Outcome.ERROR or bool(cost and cost.total_usd)
    known: dict[str, Plain] = {
        **shared,
        "outcome": attempt.outcome,
        "attempt": number,
        "retry_index": retry,
        "fallback_index": fallback,
        "model_group": deployment.model_group,
        "provider": deployment.provider,
        "deployment_id": deployment.id,
        "billed": billed,
    }
    if cost is not None and billed:
        known["cost_status"] = cost.status
    if attempt.duration_s is not None:
        known["provider_ms"] = _ms(attempt.duration_s)
    if ttft is not None and ttft.value_s is not None:
        known["ttft_ms"] = _ms(ttft.value_s)
    if attempt.provider_request_id is not None:
        known["provider_request_id"] = attempt.provider_request_id[:_MAX_CHARS]
    if attempt.failure is not None:
        known.update(_failure(attempt.failure))
    return known


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
            "failover_latency_ms": _ms_of(failover.delay_s),
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
            "recovers_after_ms": _ms_of(rest_s),
        }
    )


def _failure(failure: Failure) -> dict[str, Plain]:
    known: dict[str, Plain] = {"error_type": failure.error_type, "error_source": failure.source}
    if failure.error_class:
        known["error_class"] = failure.error_class
    if failure.status_code is not None:
        known["error_code"] = failure.status_code
    if failure.normalized:
        known["normalized_error"] = failure.normalized
    if failure.traceback:
        known["traceback"] = failure.traceback
    return known


def _times(request: Request) -> dict[str, Plain]:
    """Where the time went; the gateway's own share is what is left."""
    total_s, queue_s = request.duration_s, request.queue_s
    provider_s, backoff_s = request.provider_s, request.backoff_s
    known: dict[str, Plain] = {"provider_ms": _ms(provider_s), "backoff_ms": _ms(backoff_s)}
    if queue_s is not None:
        known["queue_ms"] = _ms(queue_s)
    if total_s is not None:
        known["total_ms"] = _ms(total_s)
        rest_s = total_s - provider_s - backoff_s - (queue_s or 0.0)
        known["overhead_ms"] = _ms(rest_s) if rest_s > 0 else 0.0
    return known


def _add_route(known: dict[str, Plain], attempts: Sequence[Attempt]) -> int:
    """Add who answered and the way there; how often that led to another model group.

    ``primary/dep-a x2 > backup/dep-b``: what the router chose, in order.
    """
    last, changes = attempts[-1], 0
    before = attempts[0].deployment
    route, times = _name(before), 0
    for attempt in attempts:
        deployment = attempt.deployment
        if deployment is before or deployment == before:
            times += 1
            continue
        changes += deployment.model_group != before.model_group
        route = f"{_times_over(route, times)} > {_name(deployment)}"
        before, times = deployment, 1
    known["route"] = _times_over(route, times)[:_MAX_CHARS]
    known["answered_by"] = before.model_group
    known["provider"] = before.provider
    known["deployment_id"] = before.id
    if last.ttft is not None and last.ttft.value_s is not None:
        known["ttft_ms"] = _ms(last.ttft.value_s)
    return changes


def _name(deployment: Deployment) -> str:
    return f"{deployment.model_group}/{deployment.id}"


def _times_over(route: str, times: int) -> str:
    return f"{route} x{times}" if times > 1 else route


def _ms(seconds: float) -> float:
    return round(seconds * 1e6) / 1e3  # to the microsecond


def _ms_of(seconds: float | None) -> float | None:
    return _ms(seconds) if seconds is not None else None


def _told(values: dict[str, Plain | None]) -> dict[str, Plain]:
    """*values* less those that are not known."""
    return {name: value for name, value in values.items() if value is not None}
