"""Record values -> ledger entries: small JSON objects in the words of the JSON interface.

Every request is noted and few are looked at, so a ring holds them as :func:`pack` writes them, a
list of plain values, and :func:`unpack` makes entries of what is read.
"""

import json
from datetime import UTC, datetime
from typing import Any

import orjson

from litellm_obs_plugin.ledger.ring import MAX_ENTRY_BYTES
from litellm_obs_plugin.record import Attempt, CircuitChange, Deployment, Failover, Failure, Request

_MESSAGE_CHARS = 240
_MAX_ATTEMPTS = 8

Entry = dict[str, Any]

_escape = json.JSONEncoder(separators=(",", ":")).encode
_PACKED = b"["  # how a packed request begins


def request_entry(request: Request) -> Entry:
    """A request as ``GET /api/gateway/requests`` shows it."""
    return _entry(*_values(request))


def pack(request: Request) -> bytes:
    """A request in the fewest steps; one that is too long for a slot as :func:`encode` cuts it."""
    data = _to_json(_values(request))
    return data if len(data) <= MAX_ENTRY_BYTES else encode(request_entry(request))


def unpack(data: bytes) -> Entry:
    """The entry in a slot, packed or not."""
    try:
        found: Any = orjson.loads(data)
    except orjson.JSONDecodeError:  # what only the standard library could write, see _to_json
        found = json.loads(data)
    return _entry(*found) if data.startswith(_PACKED) else found


def _to_json(value: Any) -> bytes:
    """In a fifth of the time that the standard library takes, which takes all there is."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # half a character, or a number of more than 64 bits
        return _escape(value).encode()


def _values(request: Request) -> tuple[Any, ...]:
    """What :func:`_entry` takes."""
    attempts, failure, trace_id = request.attempts, request.failure, request.trace_id
    ttft = attempts[-1].ttft if attempts else None
    return (
        request.call_id[:100],
        request.received_at,
        request.model_group,
        request.operation,
        request.stream,
        request.outcome,
        _error(failure) if failure is not None else None,
        request.duration_s,
        request.provider_s if attempts else None,
        request.backoff_s if attempts else None,
        request.queue_s,
        ttft.value_s if ttft is not None else None,
        request.cost_usd,
        request.cost_status,
        request.total_tokens,
        [_attempt_values(attempt) for attempt in _kept(attempts)],
        len(attempts),
        len(request.failovers),
        trace_id[:100] if trace_id else None,
        request.trace_url,
        request.caller.team,
        request.caller.key_alias,
    )


def _entry(
    call_id: str,
    received_at: float,
    model_group: str,
    operation: str,
    stream: bool,
    outcome: str,
    error: Entry | None,
    duration_s: float | None,
    provider_s: float | None,
    backoff_s: float | None,
    queue_s: float | None,
    ttft_s: float | None,
    cost_usd: float | None,
    cost_status: str | None,
    tokens: int | None,
    attempts: list[tuple[Any, ...]],
    attempt_count: int,
    failovers: int,
    trace_id: str | None,
    trace_url: str | None,
    team: str | None,
    key: str | None,
) -> Entry:
    shown = [_attempt_entry(*values) for values in attempts]
    last = shown[-1] if shown else None
    return {
        "id": call_id,
        "time": _time(received_at),
        "modelGroup": model_group,
        "model": last["model"] if last is not None else None,
        "provider": last["provider"] if last is not None else None,
        "operation": operation,
        "stream": stream,
        "outcome": outcome,
        "error": error,
        "latency": {
            "totalMs": _ms(duration_s),
            "providerMs": _ms(provider_s),
            "backoffMs": _ms(backoff_s),
            "queueMs": _ms(queue_s),
            "ttftMs": _ms(ttft_s),
        },
        "costUsd": cost_usd,
        "costStatus": cost_status,
        "tokens": tokens,
        "attempts": shown,
        "attemptCount": attempt_count,
        "failovers": failovers,
        "traceId": trace_id,
        "traceUrl": trace_url,
        "team": team,
        "key": key,
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
        "attempts": [_attempt_entry(*_attempt_values(one)) for one in _kept(request.attempts)],
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
    data = _to_json(entry)
    kept = entry.get("attempts", [])
    while len(data) > MAX_ENTRY_BYTES and kept:
        kept = [*kept[:-2], *kept[-1:]] if len(kept) > 1 else []
        data = _to_json({**entry, "attempts": kept})
    if len(data) > MAX_ENTRY_BYTES:
        short = {**entry, "attempts": [], "team": None, "key": None, "error": None}
        data = _to_json(short)
    return data


def _kept(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """All of them, or the first ones and the last; ``attemptCount`` says how many there were."""
    if len(attempts) <= _MAX_ATTEMPTS:
        return attempts
    return (*attempts[: _MAX_ATTEMPTS - 1], attempts[-1])


def _attempt_values(attempt: Attempt) -> tuple[Any, ...]:
    failure, at = attempt.failure, attempt.deployment
    return (
        at.model_group[:80],
        at.id[:80],
        at.provider[:40],
        at.model[:80],
        attempt.outcome,
        failure.error_type if failure is not None else None,
        attempt.started_at,
        attempt.duration_s,
    )


def _attempt_entry(
    model_group: str,
    deployment: str,
    provider: str,
    model: str,
    outcome: str,
    error: str | None,
    started_at: float,
    duration_s: float | None,
) -> Entry:
    return {
        "modelGroup": model_group,
        "deployment": deployment,
        "provider": provider,
        "model": model,
        "outcome": outcome,
        "error": error,
        "start": _time(started_at),
        "ms": _ms(duration_s),
    }


def _deployment(deployment: Deployment) -> Entry:
    return {
        "modelGroup": deployment.model_group[:80],
        "deployment": deployment.id[:80],
        "provider": deployment.provider[:40],
        "model": deployment.model[:80],
    }


def _error(failure: Failure) -> Entry:
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
