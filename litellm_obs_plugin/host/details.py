"""What only a trace shows of a request: user, session, parameters, prompt and answer.

Chosen field by field: the host's dictionaries also hold keys, headers and auth objects.
"""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litellm_obs_plugin.host import neighbour
from litellm_obs_plugin.host.excerpt import write_json
from litellm_obs_plugin.host.judgement import is_private, is_redacted
from litellm_obs_plugin.host.payload import call_id_of, mapping, metadata_of, payload_of, text
from litellm_obs_plugin.langfuse_settings import Capture, base_url
from litellm_obs_plugin.record import Project, TraceDetails

_PARAMETERS = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "max_output_tokens", "n"),
    *("seed", "stream", "frequency_penalty", "presence_penalty", "reasoning_effort"),
    *("tool_choice", "service_tier", "dimensions"),
)
_MAX_CHARS = 200  # what Langfuse takes for names and ids
_DEFAULT_USER = "default_user_id"  # LiteLLM's name for whoever holds the master key
_MAX_INT = 2**63
_MAX_JOINED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Describer:
    """*joins_all*: LiteLLM's own callback is on for every request, in the same project."""

    capture: Capture
    capture_chars: int
    joins_all: bool = False
    _joined: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def attempt_started(self, kwargs: Mapping[str, Any]) -> None:
        """Note whether the caller's key has LiteLLM's own callback on: later events do not tell."""
        call_id = call_id_of(kwargs)
        if call_id is not None and neighbour.is_on_for(kwargs.get("litellm_logging_obj")):
            self._joined[call_id] = None
            if len(self._joined) > _MAX_JOINED:
                self._joined.popitem(last=False)

    def joins(self, kwargs: Mapping[str, Any]) -> bool:
        """Whether LiteLLM itself traces the request, so that ours goes into the same trace."""
        return (
            self.joins_all
            or call_id_of(kwargs) in self._joined
            or neighbour.is_on_for(kwargs.get("litellm_logging_obj"))
        )

    def describe(self, kwargs: Mapping[str, Any]) -> TraceDetails:
        """The details in a log event's or a failure hook's kwargs; of a private request, none."""
        if is_private(kwargs):
            return TraceDetails(redacted=True, private=True)
        metadata, logged = metadata_of(kwargs), payload_of(kwargs)
        redacted = is_redacted(kwargs)
        captured = self.capture is not Capture.NONE and not redacted
        return TraceDetails(
            name=_short(metadata.get("trace_name")),
            user=_user(metadata, logged),
            session=_short(metadata.get("session_id")),
            parameters=_parameters(mapping(logged.get("model_parameters"))),
            input=self._read_input(kwargs, metadata, logged) if captured else None,
            output=self._read_output(metadata, logged) if captured else None,
            project=_project(kwargs),
            joined=self.joins(kwargs),
            redacted=redacted,
        )

    def _read_input(
        self, kwargs: Mapping[str, Any], metadata: Mapping[str, Any], logged: Mapping[str, Any]
    ) -> str | None:
        if metadata.get("mask_input"):
            return None
        found = logged.get("messages") or kwargs.get("messages") or kwargs.get("input")
        return self._cut(found)

    def _read_output(self, metadata: Mapping[str, Any], logged: Mapping[str, Any]) -> str | None:
        return None if metadata.get("mask_output") else self._cut(_answer(logged.get("response")))

    def _cut(self, value: Any) -> str | None:
        """*value* as JSON (ASCII), no longer than is captured."""
        if not value:
            return None
        return write_json(
            value, limit=self.capture_chars if self.capture is Capture.TRUNCATED else None
        )


def _answer(response: Any) -> Any:
    """What the model said, without the envelope."""
    answer = mapping(response)
    choices = answer.get("choices")
    if isinstance(choices, list) and choices:
        said = [mapping(c).get("message") or mapping(c).get("text") for c in choices]
        return said[0] if len(said) == 1 else said
    return answer.get("output") or answer.get("content") or response


def _user(metadata: Mapping[str, Any], logged: Mapping[str, Any]) -> str | None:
    """Who the caller says it serves, else whose key it is."""
    owner = _short(metadata.get("user_api_key_user_id"))
    return (
        _short(metadata.get("trace_user_id"))
        or _short(metadata.get("user_api_key_end_user_id"))
        or _short(logged.get("end_user"))
        or (owner if owner != _DEFAULT_USER else None)
    )


def _parameters(given: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    read = ((name, _plain(given.get(name))) for name in _PARAMETERS)
    return {name: value for name, value in read if value is not None}


def _plain(value: Any) -> str | int | float | bool | None:
    """*value* when it is plain, short, and can be written as JSON."""
    if isinstance(value, str):
        return value[:_MAX_CHARS]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < _MAX_INT else None
    return None


def _project(kwargs: Mapping[str, Any]) -> Project | None:
    """The project that the caller's key or team names; None unless both keys are given."""
    given = mapping(kwargs.get("standard_callback_dynamic_params")) or kwargs
    public = text(given.get("langfuse_public_key"))
    secret = text(given.get("langfuse_secret")) or text(given.get("langfuse_secret_key"))
    if public is None or secret is None:
        return None
    host = text(given.get("langfuse_host"))
    return Project(public_key=public, secret_key=secret, host=base_url(host) if host else None)


def _short(value: Any) -> str | None:
    found = text(value)
    return found[:_MAX_CHARS] if found is not None else None
