"""What Langfuse makes of an OTLP request: its published mapping rules, for what gateways send.

After ``OtelIngestionProcessor`` of the Langfuse server, 4.16.0. Fails on what the server refuses.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TYPES = {
    *("span", "generation", "event", "embedding", "agent", "tool"),
    *("chain", "retriever", "evaluator", "guardrail"),
}
LEVELS = {"INFO": "DEFAULT", "WARN": "WARNING", "FATAL": "ERROR", "CRITICAL": "ERROR"}
MODEL_KEYS = (
    *("langfuse.observation.model.name", "gen_ai.response.model", "ai.model.id"),
    *("gen_ai.request.model", "llm.response.model", "llm.model_name", "model"),
)
METADATA = ("langfuse.observation.metadata.", "langfuse.trace.metadata.")
_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9\-_]{1,40}")
_ERROR_STATUS = 2


@dataclass(frozen=True, kw_only=True)
class Record:
    """An observation as it is stored. Times are epoch milliseconds."""

    project: str
    trace_id: str
    id: str
    parent_id: str | None
    type: str
    name: str
    start_ms: int
    end_ms: int
    level: str
    status_message: str | None
    model: str | None
    parameters: dict[str, str]
    usage: dict[str, int]
    cost: dict[str, float]
    total_cost: float | None
    phantom: bool  # Langfuse would make up a cost
    completion_start: str | None
    input: Any
    output: Any
    metadata: dict[str, Any]
    trace_name: str | None
    user_id: str | None
    session_id: str | None
    tags: tuple[str, ...]
    environment: str
    release: str | None
    version: str | None
    scope: str
    attributes: dict[str, Any] = field(repr=False, default_factory=dict)


def read_records(body: bytes, *, project: str) -> list[Record]:
    """The observations in an OTLP body.

    Raises:
        ValueError: the server would refuse the whole batch.
    """
    message = ExportTraceServiceRequest.FromString(body)
    return [
        _record(span, scope.scope.name, project)
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _record(span: Any, scope: str, project: str) -> Record:
    if len(span.trace_id) != 16 or len(span.span_id) != 8 or not any(span.trace_id):
        msg = f"malformed id: {span.trace_id.hex()} {span.span_id.hex()}"
        raise ValueError(msg)
    attributes = {pair.key: _value(pair.value) for pair in span.attributes}
    kind = attributes.get("langfuse.observation.type")
    cost, total = _cost(attributes)
    usage = _usage(attributes)
    model = next((attributes[k] for k in MODEL_KEYS if attributes.get(k)), None)
    metadata = {
        key.removeprefix(prefix): value
        for key, value in attributes.items()
        for prefix in METADATA
        if key.startswith(prefix)
    }
    if not scope.startswith("langfuse-sdk"):
        metadata["attributes"] = attributes
    return Record(
        project=project,
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        type=kind.upper() if kind in TYPES else "SPAN",
        name=span.name,
        start_ms=span.start_time_unix_nano // 1_000_000,
        end_ms=span.end_time_unix_nano // 1_000_000,
        level=_level(attributes, span),
        status_message=attributes.get("langfuse.observation.status_message")
        or span.status.message
        or None,
        model=model,
        parameters={
            k: v if isinstance(v, str) else json.dumps(v)
            for k, v in _object(attributes, "langfuse.observation.model.parameters").items()
        },
        usage=usage,
        cost=cost,
        total_cost=total,
        phantom=model is not None and not cost,
        completion_start=attributes.get("langfuse.observation.completion_start_time"),
        input=_loaded(attributes.get("langfuse.observation.input")),
        output=_loaded(attributes.get("langfuse.observation.output")),
        metadata=metadata,
        trace_name=attributes.get("langfuse.trace.name"),
        user_id=attributes.get("langfuse.user.id") or attributes.get("user.id"),
        session_id=attributes.get("langfuse.session.id") or attributes.get("session.id"),
        tags=tuple(attributes.get("langfuse.trace.tags") or ()),
        environment=_environment(attributes.get("langfuse.environment")),
        release=attributes.get("langfuse.release"),
        version=attributes.get("langfuse.version"),
        scope=scope,
        attributes=attributes,
    )


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind) if kind is not None else None


def _level(attributes: dict[str, Any], span: Any) -> str:
    level = attributes.get("langfuse.observation.level")
    if level is not None:
        return LEVELS.get(level.upper(), level.upper())
    return "ERROR" if span.status.code == _ERROR_STATUS else "DEFAULT"


def _object(attributes: dict[str, Any], name: str) -> dict[str, Any]:
    found = _loaded(attributes.get(name))
    return found if isinstance(found, dict) else {}


def _usage(attributes: dict[str, Any]) -> dict[str, int]:
    """Non-negative integers only; the total is made when it is missing."""
    given = _object(attributes, "langfuse.observation.usage_details")
    usage = {k: v for k, v in given.items() if isinstance(v, int) and v >= 0}
    if usage and "total" not in usage:
        usage["total"] = sum(usage.values())
    return usage


def _cost(attributes: dict[str, Any]) -> tuple[dict[str, float], float | None]:
    """A total is derived of input and output alone; any other key needs one beside it."""
    cost = _object(attributes, "langfuse.observation.cost_details")
    if not cost:
        told = attributes.get("gen_ai.usage.cost", attributes.get("llm.cost.total"))
        cost = {"total": told} if told is not None else {}
    if "total" in cost:
        return cost, float(cost["total"])
    if cost and cost.keys() <= {"input", "output"}:
        return cost, float(sum(cost.values()))
    return cost, None


def _environment(name: str | None) -> str:
    found = (name or "").lower()
    return found if _ENVIRONMENT.fullmatch(found) else "default"


def _loaded(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
