"""The query of a JSON route, parsed once and with clear errors."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal

from litellm_obs_plugin.gateway_api.filters import Filters

DEFAULT_WINDOW_S = 3600.0
DEFAULT_INTERVAL_S = 2.0
_LONGEST_INTERVAL_S = 300.0
_LONGEST_WINDOW_S = 36_500 * 86_400.0  # calendars end, numbers do not
MAX_POINTS = 1000
STEP_S = 10
MAX_VALUES = 20
MAX_VALUE_CHARS = 256
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_EVERYTHING = Filters()
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")


class QueryError(ValueError):
    """A query value is bad: *field* names it, *expected* says what would do, *got* what came."""

    def __init__(self, field: str, *, expected: str, got: str | None) -> None:
        super().__init__(f"{field}: expected {expected}, got {got!r}")
        self.field = field
        self.expected = expected
        self.got = got


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsQuery:
    """What a caller asked of ``GET /api/gateway/metrics``. Instants are seconds since the epoch.

    *since* and *until* are None when the window ends now, *step_s* when no history is asked for.
    """

    window_s: float = DEFAULT_WINDOW_S
    since: float | None = None
    until: float | None = None
    step_s: int | None = None
    filters: Filters = _EVERYTHING
    scope: Literal["instance", "fleet"] = "instance"


def parse_query(
    *,
    window: str | None = None,
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
    filters: Filters = _EVERYTHING,
    now: float = math.inf,
) -> MetricsQuery:
    """The query in its parts. A step is raised to a multiple of 10 s and to at most 1000 points.

    Raises:
        QueryError: a value is bad.
    """
    window_s = _duration_s("window", window, DEFAULT_WINDOW_S)
    if window_s > _LONGEST_WINDOW_S:
        raise QueryError("window", expected="at most 36500d", got=window)
    begun, ended = _instant("since", since), _instant("until", until)
    if begun is not None:
        if window is not None:
            raise QueryError("window", expected="either window or since", got=window)
        window_s = (now if ended is None else ended) - begun
        if not window_s > 0:
            raise QueryError("since", expected="an instant before until, or before now", got=since)
    return MetricsQuery(
        window_s=window_s,
        since=begun,
        until=ended,
        step_s=_step_s(step, window_s) if step is not None else None,
        filters=filters,
    )


def parse_filters(**given: Sequence[str]) -> Filters:
    """The values of each dimension, each once and in order: equal queries are one.

    Raises:
        QueryError: a value is empty or too long, or there are too many.
    """
    return Filters(**{name.name: _values(name.name, given) for name in fields(Filters)})


def _values(field: str, given: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    values = sorted(set(given.get(field, ())))
    if len(values) > MAX_VALUES:
        raise QueryError(field, expected=f"at most {MAX_VALUES} values", got=str(len(values)))
    for value in values:
        if not 0 < len(value) <= MAX_VALUE_CHARS:
            expected = f"a name of 1 to {MAX_VALUE_CHARS} characters"
            raise QueryError(field, expected=expected, got=value[:MAX_VALUE_CHARS])
    return tuple(values)


def check_names(
    names: Sequence[str], *, known: Collection[str], repeatable: Collection[str]
) -> None:
    """Refuse what would be passed over in silence: a misspelt parameter, or one given twice.

    Raises:
        QueryError: a name is not known, or is given twice and may not be.
    """
    for name in names:
        if name not in known:
            raise QueryError(
                name[:80], expected="one of " + ", ".join(sorted(known)), got=name[:80]
            )
        if name not in repeatable and names.count(name) > 1:
            raise QueryError(name, expected="one value", got=str(names.count(name)))


def _step_s(text: str, window_s: float) -> int:
    asked_s = _duration_s("step", text, 0.0)
    least_s = window_s / MAX_POINTS
    return max(math.ceil(max(asked_s, least_s) / STEP_S) * STEP_S, STEP_S)


def _instant(field: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise QueryError(field, expected="an instant such as 2026-01-31T12:00:00Z", got=text)
    if found < _EARLIEST:
        raise QueryError(field, expected="an instant after 1970", got=text)
    return found.timestamp()


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
