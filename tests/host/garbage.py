"""Hypothesis strategies for what a host should never send, and what must hold even then."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from tests.host.recording import SCENARIOS, Hook, read_recording

KEYS = (
    *("litellm_call_id", "model", "custom_llm_provider", "api_base", "stream", "call_type"),
    *("model_info", "id", "metadata", "litellm_metadata", "litellm_params", "tags"),
    *("standard_logging_object", "model_group", "model_id", "startTime", "endTime"),
    *("completionStartTime", "request_tags", "cache_hit", "saved_cache_cost", "response_cost"),
    *("cost_breakdown", "usage_object", "prompt_tokens", "completion_tokens"),
    *("prompt_tokens_details", "completion_tokens_details", "cached_tokens"),
    *("litellm_received_at", "llm_api_timing_windows", "original_model_group"),
    *("error_information", "error_code", "error_class", "model_map_information"),
    *("model_map_key", "trace_id", "user_api_key_alias", "user_api_key_team_alias"),
)
text = st.text(st.sampled_from('ab1 */.\\"\n\0é\ud800'), max_size=12)  # with a lone surrogate
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),  # with NaN and the infinities
    text,
    st.binary(max_size=4),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.builds(object),
    st.just(10**400),
)
values = st.recursive(
    scalars,
    lambda part: st.one_of(
        st.lists(part, max_size=3),
        st.tuples(part, part),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), text), part, max_size=6),
    ),
    max_leaves=20,
)
errors = st.one_of(
    st.builds(Exception, text), st.builds(ValueError, scalars), st.builds(KeyboardInterrupt), values
)
_HOOKS = sorted({hook.name for name in SCENARIOS for hook in read_recording(name)})
arbitrary_hooks = st.builds(
    Hook,
    name=st.sampled_from(_HOOKS),
    at=st.floats(min_value=0, max_value=4e9),
    event=st.one_of(values, st.dictionaries(st.sampled_from(KEYS), values, min_size=1)),
    error=errors,
    route=st.one_of(values, st.just("/v1/chat/completions")),
)


@st.composite
def damaged_recordings(draw: st.DrawFn) -> list[Hook]:
    """A real recording in which some keys are gone or hold something else."""
    hooks = copy.deepcopy(read_recording(draw(st.sampled_from(SCENARIOS))))
    for _ in range(draw(st.integers(1, 6))):
        hook = draw(st.sampled_from(hooks))
        places = list(_places(hook.event))
        if places:
            holder, key = draw(st.sampled_from(places))
            if draw(st.booleans()):
                del holder[key]
            else:
                holder[key] = draw(values)
    return hooks


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    parts = value.items() if isinstance(value, dict) else ()
    for key, part in parts:
        yield value, key
        yield from _places(part)


def unsound(value: Any, at: str = "request") -> list[str]:
    """Where *value* holds a number that no clock, count or price can be."""
    if is_dataclass(value):
        named = [(field.name, getattr(value, field.name)) for field in fields(value)]
        return [bad for name, part in named for bad in unsound(part, f"{at}.{name}")]
    if isinstance(value, tuple):
        return [bad for part in value for bad in unsound(part, at)]
    if isinstance(value, dict):
        return [bad for name, part in value.items() for bad in unsound(part, f"{at}.{name}")]
    if isinstance(value, int | float) and not isinstance(value, bool):
        instant = at.endswith(("received_at", "started_at"))  # may lie before 1970
        sound = math.isfinite(value) and (instant or value >= 0)
        return [] if sound else [f"{at}={value!r}"]
    return []
