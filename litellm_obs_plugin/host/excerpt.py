"""The beginning of a value as JSON: bounded work for any size, any depth, and for cycles."""

import json
import math
from collections.abc import Mapping
from typing import Any

OMITTED = "… (truncated)"
_MAX_DEPTH = 20


def write_json(value: Any, *, limit: int | None) -> str | None:
    """*value* as JSON in ASCII; with *limit* about that many characters of it. None: it has none.

    What is cut is a JSON string that ends in :data:`OMITTED`.
    """
    try:
        written = json.dumps(_Shortened(limit).read(value, 0), default=_unreadable)
    except (ValueError, TypeError, RecursionError):
        return None
    if limit is None or isinstance(value, str) or len(written) <= limit:
        return written
    return json.dumps(written[:limit] + OMITTED)


class _Shortened:
    """Copies plain values until *limit* characters are used up."""

    def __init__(self, limit: int | None) -> None:
        self._left: float = math.inf if limit is None else limit + 1

    def read(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping | list | tuple) and depth >= _MAX_DEPTH:
            return OMITTED
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple):
            return self._list(value, depth)
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            return OMITTED
        return value

    def _text(self, value: str) -> str:
        room = self._left
        self._left -= len(value)
        return value if len(value) <= room else value[: max(int(room), 0)] + OMITTED

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, one in value.items():
            if self._left <= 0:
                break
            name = self._text(key if isinstance(key, str) else str(key)[:100])
            found[name] = self.read(one, depth + 1)
        return found

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        found = []
        for one in value:
            if self._left <= 0:
                break
            found.append(self.read(one, depth + 1))
        return found


def _unreadable(value: Any) -> str:
    return f"<{type(value).__name__}>"
