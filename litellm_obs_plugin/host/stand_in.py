"""In place of the logging payload, when LiteLLM could not build one.

A caller can bring that about, for example with tags that are no list. What was used and paid stands
in the event all the same.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litellm_obs_plugin.host.payload import mapping, metadata_of

_ANSWERS = ("async_complete_streaming_response", "complete_streaming_response")


def with_payload(kwargs: Mapping[str, Any], response: Any) -> Mapping[str, Any]:
    """*kwargs* of a success event, with a payload; of a stream the answer is in *kwargs*."""
    if kwargs.get("standard_logging_object"):
        return kwargs
    return {**kwargs, "standard_logging_object": _read(kwargs, response)}


def _read(kwargs: Mapping[str, Any], response: Any) -> dict[str, Any]:
    metadata = metadata_of(kwargs)
    return {
        "model": kwargs.get("model"),
        "custom_llm_provider": kwargs.get("custom_llm_provider"),
        "model_id": mapping(metadata.get("model_info")).get("id"),
        "model_group": metadata.get("model_group"),
        "call_type": kwargs.get("call_type"),
        "cache_hit": kwargs.get("cache_hit"),
        "response_cost": kwargs.get("response_cost"),
        "startTime": _epoch(kwargs.get("start_time")),
        "endTime": _epoch(kwargs.get("end_time")),
        "completionStartTime": _epoch(kwargs.get("completion_start_time")),
        "metadata": {**metadata, "usage_object": _usage(kwargs, response)},
    }


def _usage(kwargs: Mapping[str, Any], response: Any) -> Any:
    answers = (response, *(kwargs.get(name) for name in _ANSWERS))
    found = (getattr(answer, "usage", None) for answer in answers)
    dump = next((getattr(usage, "model_dump", None) for usage in found if usage), None)
    return dump() if dump is not None else None


def _epoch(at: Any) -> float | None:
    return at.timestamp() if isinstance(at, datetime) else None
