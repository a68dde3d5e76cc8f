"""Record values -> ledger entries: small JSON objects in the words of the JSON interface."""

import json
from datetime import UTC, datetime
from typing import Any

from litellm_obs_plugin.ledger.ring import MAX_ENTRY_BYTES
from litellm_obs_plugin.record import Attempt, CircuitChange, Deployment, Failover, Failure, Request

_MESSAGE_CHARS = 240
_MAX_ATTEMPTS = 8

Entry = dict[str, Any]

_to_json = json.JSONEncoder(separators=(",", ":")).encode


def request_entry(request: Request) -> Entry:
    """A request as ``GET /api/gateway/requests`` shows it."""
    last = request.last_attempt
    return {
        "id": request.call_id[:100],
        "time": _time(request.received_at),
        "modelGroup": request.model_group,
        "model": last.deployment.model if last is not None else None,
        "provider": last.deployment.provider if last is not None else None,
        "operation": request.operation,
        "stream": request.stream,
        "outcome": request.outcome,
        "error": _error(request.failure),
        "latency": {
            "totalMs": _ms(request.duration_s),
            "providerMs": _ms(request.provider_s) if request.attempts else None,
            "backoffMs": _ms(request.backoff_s) if request.attempts else None,
            "queueMs": _ms(request.queue_s),
            "ttftMs": _ms(last.ttft.value_s) if last is not None and last.ttft else None,
        },
        "costUsd": request.cost_usd,
        "costStatus": request.cost_status,
        "tokens": request.total_tokens,
        "attempts": _attempts(request),
        "attemptCount": len(request.attempts),
        "failovers": len(request.failovers),
        "traceId": request.trace_id[:100] if request.trace_id else None,
        "traceUrl": request.trace_url,
        "team": request.caller.team,
        "key": request.caller.key_alias,
    }


def failover_entry(request: Request, failover: Failover) -> Entry:
    """A failover as ``GET /api/gateway/failovers`` shows it."""
    return {
        "requestId": request.call_id[:100],
        "time": _time(request.received_at),
        "from": _deployment(failover.source),
        "to": _deployment(failover.target),
        "reason": failover.reason,
        "outcome": "recovered" if failover.recovered else "failed",
        "lostMs": _ms(failover.delay_s),
        "costAddedUsd": failover.cost_added_usd,
        "attempts": _attempts(request),
        "attemptCount": len(request.attempts),
        "traceId": request.trace_id[:100] if request.trace_id else None,
        "traceUrl": request.trace_url,
    }


def circuit_entry(change: CircuitChange) -> Entry:
    """A change of a circuit as ``GET /api/gateway/circuits`` shows it."""
    return {
        "time": _time(change.at),
        **_deployment(change.deployment),
        "state": change.state,
        "reason": change.reason,
        "recoversAt": _time(change.recovers_at) if change.recovers_at is not None else None,
    }


def encode(entry: Entry) -> bytes:
    """*entry* as JSON that fits a slot: attempts from the middle give way first, then texts."""
    data = _to_json(entry).encode()
    kept = entry.get("attempts", [])
    while len(data) > MAX_ENTRY_BYTES and kept:
        kept = [*kept[:-2], *kept[-1:]] if len(kept) > 1 else []
        data = _to_json({**entry, "attempts": kept}).encode()
    if len(data) > MAX_ENTRY_BYTES:
        short = {**entry, "attempts": [], "team": None, "key": None, "error": None}
        data = _to_json(short).encode()
    return data


def _attempts(request: Request) -> list[Entry]:
    """All of them, or the first ones and the last; ``attemptCount`` says how many there were."""
    attempts = request.attempts
    if len(attempts) > _MAX_ATTEMPTS:
        attempts = (*attempts[: _MAX_ATTEMPTS - 1], attempts[-1])
    return [_attempt(a) for a in attempts]


def _attempt(attempt: Attempt) -> Entry:
    failure = attempt.failure
    return {
        **_deployment(attempt.deployment),
        "outcome": attempt.outcome,
        "error": failure.error_type if failure is not None else None,
        "start": _time(attempt.started_at),
        "ms": _ms(attempt.duration_s),
    }


def _deployment(deployment: Deployment) -> Entry:
    return {
        "modelGroup": deployment.model_group[:80],
        "deployment": deployment.id[:80],
        "provider": deployment.provider[:40],
        "model": deployment.model[:80],
    }


def _error(failure: Failure | None) -> Entry | None:
    if failure is None:
        return None
    return {
        "type": failure.error_type,
        "source": failure.source,
        "statusCode": failure.status_code,
        "class": failure.error_class[:80],
        "message": failure.message[:_MESSAGE_CHARS],
    }


def _ms(seconds: float | None) -> float | None:
    return round(seconds * 1000, 3) if seconds is not None else None


def _time(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, tz=UTC).isoformat().replace("+00:00", "Z")
