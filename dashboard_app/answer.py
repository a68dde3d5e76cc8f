"""Reading the gateway's JSON: whatever it leaves out is unknown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

Json = Mapping[str, Any]
Values = tuple[float | None, ...]


def epoch_ms(time: str) -> float:
    """RFC 3339 as milliseconds since 1970."""
    return datetime.fromisoformat(time).timestamp() * 1000


def dig(value: Any, *path: str) -> Any:
    """What is at *path* in nested objects; None where it is not."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def values_of(history: Json, name: str) -> Values:
    """The series, or () where it is not told."""
    return tuple(history.get(name) or ())


def sum_of(a: Values, b: Values) -> Values:
    """Of each step; unknown only where both are."""
    both = zip(a, b, strict=False)
    return tuple(None if x is None and y is None else (x or 0) + (y or 0) for x, y in both)


def difference_of(a: Values, b: Values) -> Values:
    """Of each step; unknown where either is."""
    both = zip(a, b, strict=False)
    return tuple(None if x is None or y is None else x - y for x, y in both)
