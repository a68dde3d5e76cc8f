"""The id under which a request is traced everywhere: headers, exemplars, ledger, Langfuse.

What the caller gave wins: ``metadata.existing_trace_id``, ``metadata.trace_id``, then
``x-litellm-trace-id``, then the W3C ``traceparent`` header. Else it is LiteLLM's call id. The id of
a session, which LiteLLM keeps in the same places, is none. Always 32 hexadecimal digits.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from litellm_obs_plugin.host import neighbour
from litellm_obs_plugin.host.payload import Held, held_by, mapping, text

_HEX = re.compile(r"[0-9a-f]{32}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_ZERO = "0" * 32
_NOTHING_GIVEN = (None,) * 5


def trace_id_of(
    kwargs: Mapping[str, Any], *, call_id: str, joined: bool = False, held: Held | None = None
) -> str:
    """The trace id of the request that *kwargs* (of a hook or a log event) is about.

    *joined*: LiteLLM's own callback traces it too, and its id is the one.
    """
    if joined:
        return normalised(neighbour.trace_name_of(kwargs, call_id=call_id))
    params, metadata, other = held or held_by(kwargs)
    asked = mapping(params.get("proxy_server_request"))
    headers, body = mapping(asked.get("headers")), mapping(asked.get("body"))
    given = (
        text(metadata.get("existing_trace_id")),
        text(metadata.get("trace_id")),
        text(other.get("trace_id")),
        # Not LiteLLM's own field of that name: it fills that in when the caller does not.
        text(headers.get("x-litellm-trace-id")),
        text(body.get("litellm_trace_id")),
    )
    if given != _NOTHING_GIVEN:
        sessions = _sessions(headers)
        for name in given:
            if name is not None and name not in sessions:
                return normalised(name)
    return normalised(_parent(headers) or call_id)


def normalised(name: str) -> str:
    """*name* as 32 hexadecimal digits: a UUID without its dashes, anything else hashed."""
    plain = name.replace("-", "").lower()
    if _HEX.fullmatch(plain) and plain != _ZERO:
        return plain
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]


def _sessions(headers: Mapping[str, Any]) -> frozenset[Any]:
    """What the caller's headers call a session, unless they call it a trace as well."""
    if "x-litellm-trace-id" in headers:
        return frozenset()
    return frozenset(v for k, v in headers.items() if str(k).lower().endswith("session-id"))


def _parent(headers: Mapping[str, Any]) -> str | None:
    parent = text(headers.get("traceparent"))
    match = _PARENT.fullmatch(parent) if parent is not None else None
    return match[1] if match is not None and match[1] != _ZERO else None
