"""A callback for the proxy that writes down what every hook was given, as far as we read it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

from tests.host.recording import DATETIME, RECORD_TO

_WHOLE = object()


def _keys(*names: str, **nested: Any) -> dict[str, Any]:
    return dict.fromkeys(names, _WHOLE) | nested


# Nothing else leaves the proxy: its dictionaries hold keys, headers and auth objects.
_METADATA = _keys(
    "litellm_received_at", "llm_api_timing_windows", "model_group", "original_model_group", "tags"
)
_PAYLOAD = _keys(
    *("call_type", "model", "model_group", "model_id", "custom_llm_provider", "trace_id"),
    *("startTime", "endTime", "completionStartTime", "request_tags", "cache_hit"),
    *("saved_cache_cost", "response_cost", "cost_breakdown"),
    metadata=_keys(
        "usage_object",
        "user_api_key_alias",
        "user_api_key_team_alias",
        "user_api_key_team_id",
    ),
    error_information=_keys("error_class", "error_code", "error_message"),
    model_map_information=_keys("model_map_key"),
    response_cost_failure_debug_info=_keys("model"),
)
_EVENT = _keys(
    *("litellm_call_id", "model", "custom_llm_provider", "api_base", "stream", "call_type"),
    model_info=_keys("id"),
    metadata=_METADATA,
    litellm_metadata=_METADATA,
    litellm_params=_keys(metadata=_METADATA, litellm_metadata=_METADATA),
    standard_logging_object=_PAYLOAD,
)


class HookRecorder(CustomLogger):
    """Appends one line of JSON per hook to *path*."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def async_pre_call_deployment_hook(self, kwargs: Any, call_type: Any) -> None:
        self._write("async_pre_call_deployment_hook", kwargs)

    async def async_post_call_success_deployment_hook(
        self, request_data: Any, response: Any, call_type: Any
    ) -> None:
        self._write("async_post_call_success_deployment_hook", request_data)

    async def async_post_call_failure_deployment_hook(
        self, request_data: Any, exception: Any, call_type: Any, fallback_depth: Any = None
    ) -> None:
        hook = "async_post_call_failure_deployment_hook"
        self._write(hook, request_data, error=_error(exception))

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self._write("async_log_success_event", kwargs)

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self._write("async_log_failure_event", kwargs)

    async def async_post_call_failure_hook(
        self,
        request_data: Any,
        original_exception: Any,
        user_api_key_dict: Any,
        traceback_str: Any = None,
    ) -> None:
        route = getattr(user_api_key_dict, "request_route", None)
        error = _error(original_exception)
        self._write("async_post_call_failure_hook", request_data, error=error, route=route)

    def _write(self, hook: str, event: Any, **more: Any) -> None:
        line = {"hook": hook, "at": time.time(), "event": _reduced(event, _EVENT), **more}
        with self._path.open("a") as out:
            out.write(json.dumps(line) + "\n")


def _reduced(value: Any, shape: Any) -> Any:
    if shape is _WHOLE:
        return _plain(value)
    if not isinstance(value, Mapping):
        return None
    kept = {key: _reduced(value[key], part) for key, part in shape.items() if key in value}
    return {key: part for key, part in kept.items() if part is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return {DATETIME: value.isoformat()}
    return value if isinstance(value, str | int | float | bool) else None


def _error(error: BaseException) -> dict[str, Any]:
    named = ("status_code", "code", "type")
    attributes = {name: _plain(getattr(error, name, None)) for name in named}
    return {
        "classes": [parent.__name__ for parent in type(error).__mro__],
        "message": str(error)[:300],
        "attributes": {name: value for name, value in attributes.items() if value is not None},
    }


if RECORD_TO in os.environ:
    recorder = HookRecorder(Path(os.environ[RECORD_TO]))
