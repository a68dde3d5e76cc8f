"""The query of a JSON route, parsed once and with clear errors."""

import re
from dataclasses import dataclass

DEFAULT_WINDOW_S = 3600.0
DEFAULT_INTERVAL_S = 2.0
_LONGEST_INTERVAL_S = 300.0
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,9})([smhd])")


class QueryError(ValueError):
    """A query value is bad: *field* names it, *expected* says what would do, *got* what came."""

    def __init__(self, field: str, *, expected: str, got: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got!r}")
        self.field = field
        self.expected = expected
        self.got = got


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsQuery:
    """What a caller asked of ``GET /api/gateway/metrics``."""

    window_s: float = DEFAULT_WINDOW_S


def parse_query(*, window: str | None) -> MetricsQuery:
    """The query in its parts.

    Raises:
        QueryError: a value is bad.
    """
    return MetricsQuery(window_s=_duration_s("window", window, DEFAULT_WINDOW_S))


def parse_interval(text: str | None) -> float:
    """Seconds between the events of a stream.

    Raises:
        QueryError: it is no duration, or too long a one.
    """
    interval_s = _duration_s("interval", text, DEFAULT_INTERVAL_S)
    if text is not None and interval_s > _LONGEST_INTERVAL_S:
        raise QueryError("interval", expected="a duration from 1s to 5m", got=text)
    return interval_s


def _duration_s(field: str, text: str | None, default_s: float) -> float:
    if text is None:
        return default_s
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _UNITS_S[match[2]] if match else 0
    if not seconds:
        raise QueryError(field, expected="a duration such as 90s, 15m, 1h or 7d", got=text)
    return float(seconds)


def parse_days(window: str | None, *, most: int) -> float:
    """Seconds of a *window* of at most *most* days; a day when it is None.

    Raises:
        QueryError: it is bad.
    """
    window_s = _duration_s("window", window, _UNITS_S["d"])
    if window_s > most * _UNITS_S["d"]:
        raise QueryError("window", expected=f"at most {most}d", got=window or "")
    return window_s
