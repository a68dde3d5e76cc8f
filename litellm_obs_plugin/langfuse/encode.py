"""Traces -> one OTLP request, protobuf. Needs ``opentelemetry-proto``: import it when it is on."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from litellm_obs_plugin.langfuse import attribute
from litellm_obs_plugin.langfuse.observation import Level, Observation, Plain, Tree

# Of any other scope Langfuse repeats all attributes under the metadata.
SCOPE = "langfuse-sdk.litellm_obs_plugin"

_REPEATED_CHARS = 32

Value = Plain | tuple[str, ...]
Pair = tuple[str, Value]


def encode(trees: Iterable[Tree], *, version: str) -> bytes:
    """The body of ``POST /api/public/otel/v1/traces`` for all *trees*."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.append(_pair("service.name", "litellm-proxy"))
    scope = resource.scope_spans.add()
    scope.scope.name, scope.scope.version = SCOPE, version
    for tree in trees:
        scope.spans.extend(_spans(tree))
    return bytes(message.SerializeToString())


def _spans(tree: Tree) -> Iterator[Span]:
    trace_id = bytes.fromhex(tree.trace_id)
    shared = [_pair(name, value) for name, value in _of_trace(tree)]
    for observation in tree.observations:
        own = [_pair(name, value) for name, value in _of_observation(observation)]
        yield Span(
            trace_id=trace_id,
            span_id=observation.id,
            parent_span_id=observation.parent or b"",
            name=_clean(observation.name),
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=_nanoseconds(observation.started_at),
            end_time_unix_nano=_nanoseconds(observation.ended_at),
            attributes=own + shared,
            status=_status(observation),
        )


def _of_trace(tree: Tree) -> Iterator[Pair]:
    named: tuple[tuple[str, str | None], ...] = (
        (attribute.TRACE_NAME, tree.name),
        (attribute.TRACE_USER_ID, tree.user),
        (attribute.TRACE_SESSION_ID, tree.session),
        (attribute.ENVIRONMENT, tree.environment),
        (attribute.RELEASE, tree.release),
        (attribute.VERSION, tree.version),
    )
    for name, value in named:
        if value:
            yield name, value
    if tree.tags:
        yield attribute.TRACE_TAGS, tree.tags


def _of_observation(observation: Observation) -> Iterator[Pair]:
    yield attribute.OBSERVATION_TYPE, str(observation.kind)
    yield attribute.OBSERVATION_LEVEL, str(observation.level)
    if observation.parent is None:
        yield attribute.IS_APP_ROOT, True
    texts: tuple[tuple[str, str | None], ...] = (
        (attribute.OBSERVATION_STATUS_MESSAGE, observation.status_message),
        (attribute.OBSERVATION_MODEL, observation.model),
        (attribute.OBSERVATION_INPUT, observation.input),
        (attribute.OBSERVATION_OUTPUT, observation.output),
    )
    for name, text in texts:
        if text:
            yield name, text
    for name, values in (
        (attribute.OBSERVATION_MODEL_PARAMETERS, observation.parameters or None),
        (attribute.OBSERVATION_USAGE_DETAILS, observation.usage),
        (attribute.OBSERVATION_COST_DETAILS, observation.cost_usd),
    ):
        if values is not None:
            yield name, _json(values)
    if observation.first_token_at is not None:
        yield attribute.OBSERVATION_COMPLETION_START_TIME, _instant(observation.first_token_at)
    for key, value in observation.metadata.items():
        yield f"{attribute.OBSERVATION_METADATA}.{key}", value


def _pair(name: str, value: Value) -> KeyValue:
    if type(value) is float or (type(value) is str and len(value) > _REPEATED_CHARS):
        return _new_pair(name, value)
    return _known_pair(name, value)


def _new_pair(name: str, value: Value) -> KeyValue:
    match value:
        case str():
            typed = AnyValue(string_value=_clean(value))
        case bool():
            typed = AnyValue(bool_value=value)
        case int():
            typed = AnyValue(int_value=value)
        case float():
            typed = AnyValue(double_value=value)
        case _:
            texts = [AnyValue(string_value=_clean(text)) for text in value]
            typed = AnyValue(array_value=ArrayValue(values=texts))
    return KeyValue(key=name, value=typed)


# Most values are words that come again in every trace. Typed: or True would be 1.
_known_pair = lru_cache(maxsize=8192, typed=True)(_new_pair)


def _status(observation: Observation) -> Status | None:
    if observation.level is not Level.ERROR:
        return None
    return Status(code=Status.STATUS_CODE_ERROR, message=_clean(observation.status_message))


def _json(values: Mapping[str, Plain]) -> str:
    return json.dumps(values, separators=(",", ":"))


def _clean(text: str) -> str:
    """*text* without lone surrogates, which no protobuf string may hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _nanoseconds(epoch_s: float) -> int:
    return max(round(epoch_s * 1e9), 0)


def _instant(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, tz=UTC).isoformat(timespec="milliseconds")
