"""A row of ``LiteLLM_SpendLogs`` -> :class:`Request`. Pure.

LiteLLM writes one row per request, when it is over. It does not tell the attempts before the one
that answered, nor how long the request waited in between: provider time is what is left of the
request's time after LiteLLM's own overhead, where that is told.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litellm_obs_plugin.host.failures import client_disconnect, logged_failure
from litellm_obs_plugin.host.payload import (
    HEALTH_CHECK_TAG,
    mapping,
    operation_of_call,
    read_caller,
    read_tokens,
    read_ttft,
    seconds,
    text,
)
from litellm_obs_plugin.host.price import PriceOf, read_cost
from litellm_obs_plugin.record import (
    OTHER,
    UNKNOWN,
    Attempt,
    Deployment,
    Failure,
    Outcome,
    Request,
)

_CLIENT_DISCONNECTED = "499"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row. Instants are seconds since the epoch; *ended_at* is when it counts."""

    ended_at: float
    request: Request


def read_entry(row: Mapping[str, Any], *, ended_at: float, price_of: PriceOf) -> Entry | None:
    """The request of a *row* that counts at *ended_at*; None for LiteLLM's own health checks."""
    metadata = _json(row.get("metadata"))
    tags = _json_list(row.get("request_tags"))
    if HEALTH_CHECK_TAG in tags:
        return None
    failure = _failure(row, metadata)
    outcome = _outcome(row, metadata, failure)
    started_at = _instant(row.get("startTime")) or ended_at
    operation = operation_of_call(row.get("call_type"))
    first_at = _instant(row.get("completionStartTime"))
    is_streamed = first_at is not None and started_at < first_at < ended_at
    logged = _payload(row, metadata, first_at=first_at, ended_at=ended_at)
    attempt = Attempt(
        deployment=_deployment(row, failure),
        started_at=started_at,
        duration_s=_provider_s(metadata, ended_at - started_at),
        outcome=outcome,
        failure=failure,
        ttft=read_ttft(logged, operation=operation, started_at=started_at) if is_streamed else None,
        tokens=read_tokens(logged),
        cost=read_cost(logged, estimated=outcome is not Outcome.SUCCESS, price_of=price_of)
        if failure is None or row.get("spend")
        else None,
    )
    was_called = outcome not in (Outcome.CACHE_HIT, Outcome.REJECTED)
    request = Request(
        call_id=str(row.get("request_id") or ""),
        received_at=started_at,
        duration_s=max(ended_at - started_at, 0.0),
        operation=operation,
        stream=is_streamed,
        model_group=attempt.deployment.model_group,
        outcome=outcome,
        failure=failure,
        attempts=(attempt,) if was_called else (),
        caller=read_caller(
            {
                "metadata": {"user_api_key_team_id": text(row.get("team_id")), **metadata},
                "request_tags": tags,
            }
        ),
    )
    return Entry(ended_at=ended_at, request=request)


def _payload(
    row: Mapping[str, Any], metadata: Mapping[str, Any], *, first_at: float | None, ended_at: float
) -> dict[str, Any]:
    """*row* as the standard logging payload that it was made of."""
    told = {
        **mapping(metadata.get("additional_usage_values")),
        **mapping(metadata.get("usage_object")),
    }
    counted = {name: row.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")}
    return {
        "response_cost": row.get("spend"),
        "cost_breakdown": metadata.get("cost_breakdown"),
        "model_map_information": metadata.get("model_map_information"),
        "model": row.get("model"),
        "model_id": row.get("model_id"),
        "metadata": {"usage_object": {**told, **counted}},
        "completionStartTime": first_at,
        "endTime": ended_at,
    }


def _failure(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> Failure | None:
    status = text(row.get("status")) or text(metadata.get("status"))
    if status != "failure":
        return None
    information = mapping(metadata.get("error_information"))
    if str(information.get("error_code")) == _CLIENT_DISCONNECTED:
        return client_disconnect()
    return logged_failure(information)


def _outcome(
    row: Mapping[str, Any], metadata: Mapping[str, Any], failure: Failure | None
) -> Outcome:
    if failure is None:
        is_hit = str(row.get("cache_hit")).lower() == "true"
        return Outcome.CACHE_HIT if is_hit else Outcome.SUCCESS
    if failure == client_disconnect():
        return Outcome.CLIENT_DISCONNECT
    refused = failure.status_code is not None and 400 <= failure.status_code < 500
    return Outcome.REJECTED if refused and not row.get("model_id") else Outcome.ERROR


def _deployment(row: Mapping[str, Any], failure: Failure | None) -> Deployment:
    """Of a request that failed before a deployment was chosen the caller made the names up."""
    deployment_id = text(row.get("model_id")) or ""
    if failure is not None and not deployment_id:
        return Deployment(id="", model_group=OTHER, model=OTHER, provider=UNKNOWN)
    provider = text(row.get("custom_llm_provider"))
    model = (text(row.get("model")) or UNKNOWN).removeprefix(f"{provider}/")
    return Deployment(
        id=deployment_id,
        model_group=text(row.get("model_group")) or OTHER,
        model=model,
        provider=provider or UNKNOWN,
    )


def _provider_s(metadata: Mapping[str, Any], duration_s: float) -> float:
    overhead_ms = seconds(metadata.get("litellm_overhead_time_ms")) or 0.0
    return max(duration_s - overhead_ms / 1e3, 0.0)


def _instant(value: Any) -> float | None:
    """Seconds since the epoch; the table's times are UTC without saying so."""
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def _json(value: Any) -> Mapping[str, Any]:
    """An object, which some versions of LiteLLM wrote as text."""
    return mapping(_parsed(value))


def _json_list(value: Any) -> list[Any]:
    found = _parsed(value)
    return found if isinstance(found, list) else []


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None
