"""LiteLLM's own Langfuse callbacks: whether one is on, and under which id it traces a request."""

from collections.abc import Iterable, Mapping
from typing import Any

from litellm_obs_plugin.host.payload import held_by, mapping, payload_of, text

LANGFUSE, LANGFUSE_OTEL = "langfuse", "langfuse_otel"

_NAMES = {
    "langfuse": LANGFUSE,
    "LangFuseLogger": LANGFUSE,
    "LangfusePromptManagement": LANGFUSE,
    "langfuse_otel": LANGFUSE_OTEL,
    "LangfuseOtelLogger": LANGFUSE_OTEL,
}
_LISTS = ("callbacks", "success_callback", "failure_callback")


def callbacks_on() -> frozenset[str]:
    """Which of them are on for every request.

    Settings that stand behind ours in the configuration are not in force yet when we are built, so
    the configuration itself is read too.
    """
    import sys

    import litellm

    found = [getattr(litellm, name, None) for name in _LISTS]
    proxy_config = getattr(sys.modules.get("litellm.proxy.proxy_server"), "proxy_config", None)
    read = getattr(proxy_config, "get_config_state", None)
    settings = mapping(mapping(read() if read is not None else None).get("litellm_settings"))
    found += [settings.get(name) for name in _LISTS]
    return _named(one for some in found for one in _listed(some))


def is_on_for(logging_object: Any) -> bool:
    """Whether the caller's key or team has switched one on for the request of that object."""
    if logging_object is None:
        return False
    dynamic = (
        getattr(logging_object, f"dynamic_{kind}_callbacks", None)
        for kind in ("success", "async_success", "failure")
    )
    return bool(_named(one for some in dynamic for one in _listed(some)))


def trace_name_of(kwargs: Mapping[str, Any], *, call_id: str) -> str:
    """What LiteLLM's ``langfuse`` callback makes the trace id of; see its ``_log_langfuse_v2``."""
    holder = held_by(kwargs).params
    metadata = mapping(holder.get("metadata"))
    existing = text(metadata.get("existing_trace_id"))
    if existing is not None:
        return existing
    found = text(metadata.get("trace_id")) or text(payload_of(kwargs).get("trace_id"))
    found = found or _logged_trace_id(kwargs.get("litellm_logging_obj"), holder) or call_id
    return call_id if _is_of_session(found, metadata, holder) else found


def _logged_trace_id(logging_object: Any, holder: Mapping[str, Any]) -> str | None:
    """The trace id that the logging payload will have once the request has ended.

    The router gives each request an id of its own, which only the logging object's parameters know.
    """
    import litellm

    details = mapping(getattr(logging_object, "model_call_details", None))
    holder = mapping(details.get("litellm_params")) or holder
    metadata = mapping(holder.get("metadata"))
    session = (holder.get("litellm_session_id"), metadata.get("session_id"))
    trace = (holder.get("litellm_trace_id"), metadata.get("trace_id"))
    first, second = (
        (trace, session)
        if getattr(litellm, "request_correlation_in_logs", False)
        else (session, trace)
    )
    given = (first[0], second[0], first[1], second[1])
    own = getattr(logging_object, "litellm_trace_id", None)
    return next(filter(None, map(text, (*given, own))), None)


def _is_of_session(trace: str, metadata: Mapping[str, Any], holder: Mapping[str, Any]) -> bool:
    try:
        from litellm.integrations.langfuse.langfuse import _is_session_header_trace
    except ImportError:
        return False
    return bool(
        _is_session_header_trace(
            trace, metadata.get("session_id"), holder.get("proxy_server_request")
        )
    )


def _named(callbacks: Iterable[Any]) -> frozenset[str]:
    names = (one if isinstance(one, str) else type(one).__name__ for one in callbacks)
    return frozenset(_NAMES[name] for name in names if name in _NAMES)


def _listed(callbacks: Any) -> Iterable[Any]:
    return callbacks if isinstance(callbacks, list | tuple) else [callbacks]
