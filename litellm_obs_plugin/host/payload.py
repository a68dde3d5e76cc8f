"""LiteLLM's dictionaries -> record values. The only file that knows their keys.

Shapes: ``StandardLoggingPayload`` in litellm/types/utils.py, and what the hooks were seen to carry.
Chat, text and embeddings keep their metadata under ``metadata``, responses and messages under
``litellm_metadata``; only one of the two holds all timing windows.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from litellm_obs_plugin.record import Caller, HostBudget, Operation, Owner, TimeToFirstToken, Tokens

HEALTH_CHECK_TAG = "litellm-internal-health-check"

_MAX_DIGITS = 15
_MAX_TAGS = 50  # of one request; more would fill the series of everybody's tags

Window = tuple[float, float]

_OPERATIONS = {
    "completion": Operation.CHAT,
    "text_completion": Operation.TEXT_COMPLETION,
    "embedding": Operation.EMBEDDINGS,
    "responses": Operation.RESPONSES,
    "anthropic_messages": Operation.MESSAGES,
    "image_generation": Operation.IMAGE,
    "image_edit": Operation.IMAGE,
    "image_variation": Operation.IMAGE,
    "transcription": Operation.AUDIO,
    "speech": Operation.AUDIO,
    "rerank": Operation.RERANK,
    "pass_through_endpoint": Operation.PASSTHROUGH,
    "llm_passthrough_route": Operation.PASSTHROUGH,
}
# The ends of the routes on which callers send work (litellm/proxy/_types.py, LiteLLMRoutes).
_ROUTES = (
    ("/chat/completions", Operation.CHAT),
    ("/completions", Operation.TEXT_COMPLETION),
    ("/embeddings", Operation.EMBEDDINGS),
    ("/responses", Operation.RESPONSES),
    ("/messages", Operation.MESSAGES),
    ("/images/generations", Operation.IMAGE),
    ("/images/edits", Operation.IMAGE),
    ("/images/variations", Operation.IMAGE),
    ("/audio/transcriptions", Operation.AUDIO),
    ("/audio/speech", Operation.AUDIO),
    ("/rerank", Operation.RERANK),
    ("/moderations", Operation.OTHER),
)
_STREAMED_IN_CHUNKS = frozenset({Operation.CHAT, Operation.TEXT_COMPLETION})
_EMPTY: Mapping[str, Any] = {}
_NO_TAGS = (None, None, None)
_RESOURCES = tuple(
    (
        resource,
        *(f"x{dash}ratelimit{dash}limit{dash}{resource}" for dash in "_-"),
        *(f"x{dash}ratelimit{dash}remaining{dash}{resource}" for dash in "_-"),
    )
    for resource in ("requests", "tokens")
)
_REQUEST_IDS = ("llm_provider-x-request-id", "llm_provider-request-id", "x_request_id")


def mapping(value: Any) -> Mapping[str, Any]:
    """*value* when it is a mapping, else an empty one."""
    if type(value) is dict:
        return value
    # The general question takes twenty times as long, and most of what is no dictionary is absent.
    return _EMPTY if value is None or not isinstance(value, Mapping) else value


def text(value: Any) -> str | None:
    """*value* when it is a string with something in it."""
    return value if isinstance(value, str) and value else None


def payload_of(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The standard logging payload in a log event's kwargs."""
    return mapping(kwargs.get("standard_logging_object"))


class Held(NamedTuple):
    """The parts of an event that say something of the request as a whole, looked up once."""

    params: Mapping[str, Any]
    metadata: Mapping[str, Any]
    litellm_metadata: Mapping[str, Any]


def held_by(kwargs: Mapping[str, Any]) -> Held:
    """Where this kind of event keeps them: log events in `litellm_params`, the others beside it.

    A caller's body may have a field of that name, too: then the time of receipt stands beside it.
    """
    plain, other = mapping(kwargs.get("metadata")), mapping(kwargs.get("litellm_metadata"))
    params = mapping(kwargs.get("litellm_params"))
    if not params or _is_received(plain, other):
        return Held(kwargs, plain, other)
    return Held(params, mapping(params.get("metadata")), mapping(params.get("litellm_metadata")))


def _is_received(plain: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return received_in(plain) is not None or received_in(other) is not None


def metadata_of(kwargs: Mapping[str, Any], held: Held | None = None) -> Mapping[str, Any]:
    """The request's metadata, wherever this kind of event keeps it; of *held* if it is known."""
    _, plain, other = held or held_by(kwargs)
    if not other:
        return plain
    if not plain or "litellm_received_at" not in plain:
        return other
    return other if len(_windows(other)) > len(_windows(plain)) else plain


def call_id_of(kwargs: Mapping[str, Any]) -> str | None:
    return text(kwargs.get("litellm_call_id"))


def received_at_of(kwargs: Mapping[str, Any]) -> float | None:
    """When the proxy received the request, seconds since the epoch."""
    return received_in(metadata_of(kwargs))


def received_in(metadata: Mapping[str, Any]) -> float | None:
    """The same, of the request that has this metadata."""
    received = metadata.get("litellm_received_at")
    return received.timestamp() if isinstance(received, datetime) else None


def is_health_check(kwargs: Mapping[str, Any], held: Held | None = None) -> bool:
    """Whether LiteLLM itself sent this, to see whether a deployment answers.

    Callers may choose that tag as well, but what they send has a time of receipt.
    """
    _, plain, other = held or held_by(kwargs)
    tags = payload_of(kwargs).get("request_tags"), plain.get("tags"), other.get("tags")
    if tags == _NO_TAGS or not any(map(_is_marked, tags)):
        return False
    return not _is_received(plain, other)


def _is_marked(tags: Any) -> bool:
    return bool(tags) and isinstance(tags, list | tuple) and HEALTH_CHECK_TAG in tags


def operation_of_call(call_type: Any) -> Operation:
    """The operation of LiteLLM's call type (``acompletion``, ``CallTypes.aresponses`` …)."""
    name = str(getattr(call_type, "value", call_type) or "")
    return _OPERATIONS.get(name) or _OPERATIONS.get(name.removeprefix("a"), Operation.OTHER)


def operation_of_route(route: Any) -> Operation | None:
    """The operation of a route on which callers send work; None for any other route."""
    path = (text(route) or "").rstrip("/")
    return next((operation for end, operation in _ROUTES if path.endswith(end)), None)


def last_window(kwargs: Mapping[str, Any]) -> Window | None:
    """Start and end of the last provider call (of a stream: to its headers), epoch seconds."""
    return window_in(metadata_of(kwargs))


def window_in(metadata: Mapping[str, Any]) -> Window | None:
    """The same, of the request that has this metadata."""
    windows = metadata.get("llm_api_timing_windows")
    if not isinstance(windows, list | tuple):
        return None
    for window in reversed(windows):
        if _is_window(window):
            start, end = seconds(window[0]), seconds(window[1])
            return (start, end) if start is not None and end is not None and start <= end else None
    return None


def _windows(metadata: Mapping[str, Any]) -> list[Any]:
    windows = metadata.get("llm_api_timing_windows")
    return [w for w in windows if _is_window(w)] if isinstance(windows, list | tuple) else []


def _is_window(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def seconds(value: Any) -> float | None:
    """*value* when it is a finite number that is not negative."""
    if type(value) is float:
        return value if 0.0 <= value < math.inf else None
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def read_tokens(payload: Mapping[str, Any]) -> Tokens | None:
    """Tokens by disjoint type; None when the payload has no usage, or nothing but zeros.

    ``prompt_tokens`` includes cached and cache-writing tokens, ``completion_tokens`` reasoning.
    """
    usage = mapping(mapping(payload.get("metadata")).get("usage_object"))
    if not usage:
        return None
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if not prompt and not completion:
        return None
    details = mapping(usage.get("prompt_tokens_details"))
    cached = _count(details, "cached_tokens") or _count(usage, "cache_read_input_tokens")
    if cached > prompt:
        cached = prompt
    written = _count(details, "cache_creation_tokens")
    written = written or _count(usage, "cache_creation_input_tokens")
    if written > prompt - cached:
        written = prompt - cached
    reasoning = _count(mapping(usage.get("completion_tokens_details")), "reasoning_tokens")
    if reasoning > completion:
        reasoning = completion
    return Tokens(
        input=prompt - cached - written,
        cached_input=cached,
        cache_write=written,
        output=completion - reasoning,
        reasoning=reasoning,
    )


def _count(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if type(value) is int:
        return max(0, value)
    return int(seconds(value) or 0) if value is not None else 0


def read_ttft(
    payload: Mapping[str, Any], *, operation: Operation, started_at: float | None
) -> TimeToFirstToken:
    """Time to first token of a streamed attempt that began at *started_at*.

    Only for chat and text completions: of responses and messages LiteLLM notes the first event, or
    the time after it.
    """
    if operation not in _STREAMED_IN_CHUNKS or started_at is None:
        return TimeToFirstToken(invalid="unmeasurable")
    first, end = seconds(payload.get("completionStartTime")), seconds(payload.get("endTime"))
    if first is None or end is None:
        return TimeToFirstToken(invalid="unmeasurable")
    if first < started_at:
        return TimeToFirstToken(invalid="negative")
    if first >= end:
        return TimeToFirstToken(invalid="buffered")
    return TimeToFirstToken(value_s=first - started_at)


def read_headroom(payload: Mapping[str, Any]) -> dict[str, float]:
    """What is left of the provider's rate limits, by resource: remaining over limit, 0 to 1."""
    told = mapping(mapping(payload.get("hidden_params")).get("additional_headers"))
    found = {}
    for resource, limit_name, other_limit_name, left_name, other_left_name in _RESOURCES:
        limit = _number(told.get(limit_name, told.get(other_limit_name)))
        if limit:
            left = _number(told.get(left_name, told.get(other_left_name)))
            if left is not None:
                found[resource] = min(left / limit, 1.0)
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_DIGITS:
        value = int(value)
    return seconds(value)


def provider_request_id(payload: Mapping[str, Any]) -> str | None:
    """The id under which the provider knows the call: of its answer's headers, else its body."""
    headers = mapping(mapping(payload.get("hidden_params")).get("additional_headers"))
    for name in _REQUEST_IDS:
        found = text(headers.get(name))
        if found is not None:
            return found
    return text(payload.get("id"))


def read_caller(payload: Mapping[str, Any]) -> Caller:
    """Team, key alias, and the first of the caller's own tags (not LiteLLM's of user agents)."""
    metadata = mapping(payload.get("metadata"))
    team = text(metadata.get("user_api_key_team_alias")) or text(
        metadata.get("user_api_key_team_id")
    )
    key_alias = text(metadata.get("user_api_key_alias"))
    tags = payload.get("request_tags")
    own = _own_tags(tags) if tags and isinstance(tags, list | tuple) else ()
    if metadata.get("user_api_key_max_budget") or metadata.get("user_api_key_team_max_budget"):
        budgets = _read_budgets(metadata, key_alias=key_alias, team=team)
        return Caller(team=team, key_alias=key_alias, budgets=budgets, tags=own)
    return _caller(team, key_alias, own)


@lru_cache(maxsize=1_000)
def _caller(team: str | None, key_alias: str | None, tags: tuple[str, ...]) -> Caller:
    return Caller(team=team, key_alias=key_alias, tags=tags)


def _own_tags(tags: Iterable[Any]) -> tuple[str, ...]:
    own = [t for t in tags if isinstance(t, str) and not t.startswith("User-Agent:")]
    return tuple(own[:_MAX_TAGS])


def _read_budgets(
    metadata: Mapping[str, Any], *, key_alias: str | None, team: str | None
) -> tuple[HostBudget, ...]:
    """The budgets of the caller's key and team; those without a name are left out."""
    found = []
    for owner, name, prefix in (
        (Owner.KEY, key_alias, "user_api_key_"),
        (Owner.TEAM, team, "user_api_key_team_"),
    ):
        limit_usd = seconds(metadata.get(f"{prefix}max_budget")) if name is not None else None
        if name is None or not limit_usd:
            continue
        spent_usd = seconds(metadata.get(f"{prefix}spend")) or 0.0
        resets_at = _time(metadata.get("user_api_key_budget_reset_at"))
        found.append(
            HostBudget(
                owner=owner,
                name=name,
                limit_usd=limit_usd,
                spent_usd=spent_usd,
                resets_at=resets_at if owner is Owner.KEY else None,
            )
        )
    return tuple(found)


def _time(value: Any) -> float | None:
    """Seconds since the epoch of an ISO 8601 time; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
