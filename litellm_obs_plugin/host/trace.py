"""The id under which a request is traced everywhere: headers, exemplars, ledger, Langfuse.

What the caller gave wins: ``metadata.trace_id``, then ``x-litellm-trace-id``, then the W3C
``traceparent`` header. Else it is LiteLLM's call id. Always 32 hexadecimal digits.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from litellm_obs_plugin.host.payload import mapping, text

_HEX = re.compile(r"[0-9a-f]{32}")
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_ZERO = "0" * 32


def trace_id_of(kwargs: Mapping[str, Any], *, call_id: str) -> str:
    """The trace id of the request that *kwargs* (of a hook or a log event) is about."""
    holder = mapping(kwargs.get("litellm_params")) or kwargs
    given = (
        text(mapping(holder.get("metadata")).get("trace_id")),
        text(mapping(holder.get("litellm_metadata")).get("trace_id")),
        text(holder.get("litellm_trace_id")),
        _parent(mapping(mapping(holder.get("proxy_server_request")).get("headers"))),
    )
    return normalised(next(filter(None, given), call_id))


def normalised(name: str) -> str:
    """*name* as 32 hexadecimal digits: a UUID without its dashes, anything else hashed."""
    plain = name.replace("-", "").lower()
    if _HEX.fullmatch(plain) and plain != _ZERO:
        return plain
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]


def _parent(headers: Mapping[str, Any]) -> str | None:
    match = _PARENT.fullmatch(text(headers.get("traceparent")) or "")
    return match[1] if match is not None and match[1] != _ZERO else None
