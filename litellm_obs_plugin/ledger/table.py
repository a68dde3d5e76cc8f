"""Ledger entries as rows of a table. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from litellm_obs_plugin.ledger.entry import Entry

Row = list[str | float | bool | None]

REQUEST_COLUMNS: Mapping[str, str] = {
    "time": "time",
    "id": "id",
    "model_group": "modelGroup",
    "model": "model",
    "provider": "provider",
    "operation": "operation",
    "stream": "stream",
    "outcome": "outcome",
    "error_type": "error.type",
    "error_source": "error.source",
    "error_status_code": "error.statusCode",
    "error_class": "error.class",
    "error_message": "error.message",
    "total_ms": "latency.totalMs",
    "provider_ms": "latency.providerMs",
    "backoff_ms": "latency.backoffMs",
    "queue_ms": "latency.queueMs",
    "ttft_ms": "latency.ttftMs",
    "cost_usd": "costUsd",
    "cost_status": "costStatus",
    "tokens": "tokens",
    "failovers": "failovers",
    "team": "team",
    "key": "key",
    "trace_id": "traceId",
    "trace_url": "traceUrl",
}
FAILOVER_COLUMNS: Mapping[str, str] = {
    "time": "time",
    "request_id": "requestId",
    "from_model_group": "from.modelGroup",
    "from_provider": "from.provider",
    "from_model": "from.model",
    "from_deployment": "from.deployment",
    "to_model_group": "to.modelGroup",
    "to_provider": "to.provider",
    "to_model": "to.model",
    "to_deployment": "to.deployment",
    "reason": "reason",
    "outcome": "outcome",
    "lost_ms": "lostMs",
    "cost_added_usd": "costAddedUsd",
    "trace_id": "traceId",
    "trace_url": "traceUrl",
}


def list_rows(entries: Iterable[Entry], columns: Mapping[str, str]) -> list[Row]:
    """One row per entry, in the order of *columns* (title to path)."""
    paths = [path.split(".") for path in columns.values()]
    return [[_at(entry, path) for path in paths] for entry in entries]


def _at(entry: Entry, path: list[str]) -> Any:
    value: Any = entry
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
