"""A history of our own, from totals seen again and again, for gateways that keep none.

What cannot be told from totals (quantiles of a step) stays unknown.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

_EVERY_S = 10.0
_KEPT = 8640  # a day
_LONGEST_GAP = 3
Json = dict[str, Any]
Series = list[float | None]


@dataclass(frozen=True, slots=True)
class _Mark:
    at: float
    metrics: Json


class Trail:
    """Remembers totals every ten seconds, for a day."""

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque(maxlen=_KEPT)

    def add(self, metrics: Json, *, at: float) -> None:
        """Remember *metrics*, seen at *at* (epoch seconds)."""
        if metrics.get("window", {}).get("basis") == "history":
            return
        if not self._marks or at - self._marks[-1].at >= _EVERY_S:
            self._marks.append(_Mark(at, _totals(metrics)))

    def history(self, *, seconds: float, step_s: int, now: float) -> Json | None:
        """What happened in each step of the last *seconds*; None before there are two readings."""
        marks = _thin([m for m in self._marks if m.at >= now - seconds - step_s], step_s=step_s)
        if len(marks) < 2:
            return None
        return _history(marks, step_s=step_s)


def _thin(marks: list[_Mark], *, step_s: int) -> list[_Mark]:
    kept: list[_Mark] = []
    for mark in marks:
        if not kept or mark.at - kept[-1].at >= step_s * 0.95:
            kept.append(mark)
    return kept


def _totals(metrics: Json) -> Json:
    """The parts that only grow, flat: name -> number, or name -> part -> number."""
    requests, tokens, costs = metrics["requests"], metrics["tokens"], metrics["costs"]
    return {
        "requests": requests["total"],
        "errors": requests["error"],
        "costUsd": costs["total"],
        "tokensIn": tokens["input"],
        "tokensOut": tokens["output"],
        "failovers": metrics.get("failover", {}).get("total", 0),
        "errorsByType": metrics.get("errors", {}).get("byType", {}),
        "tokensByType": metrics.get("tokensByType", {}),
        "costs": {by: costs.get(by, {}) for by in ("byModel", "byProvider", "byTeam", "byTag")},
        "requestsByProvider": requests.get("byProvider", {}),
    }


def _history(marks: list[_Mark], *, step_s: int) -> Json:
    def grown(read: Callable[[Json], float]) -> Series:
        return [_growth(a, b, read, step_s=step_s) for a, b in pairwise(marks)]

    def parts(read: Callable[[Json], Mapping[str, float]]) -> dict[str, Series]:
        names = sorted({name for mark in marks for name in read(mark.metrics)})
        return {name: grown(lambda m, n=name: read(m).get(n, 0)) for name in names}  # type: ignore[misc]

    def costs(by: str) -> Json:
        found = parts(lambda m: m["costs"][by])
        requests = parts(lambda m: m["requestsByProvider"]) if by == "byProvider" else {}
        return {n: {"costUsd": s, "requests": requests.get(n)} for n, s in found.items()}

    plain = ("requests", "errors", "costUsd", "tokensIn", "tokensOut", "failovers")
    return {
        "stepSeconds": step_s,
        "t": [datetime.fromtimestamp(m.at, tz=UTC).isoformat() for m in marks[:-1]],
        **{name: grown(lambda m, n=name: m[n]) for name in plain},  # type: ignore[misc]
        "errorsByType": parts(lambda m: m["errorsByType"]),
        "tokensByType": parts(lambda m: m["tokensByType"]),
        **{by: costs(by) for by in ("byModel", "byProvider", "byTeam", "byTag")},
    }


def _growth(a: _Mark, b: _Mark, read: Callable[[Json], float], *, step_s: int) -> float | None:
    """Per *step_s*; None over a gap, or where the totals began anew."""
    passed = b.at - a.at
    grown = read(b.metrics) - read(a.metrics)
    if passed > _LONGEST_GAP * step_s or grown < 0:
        return None
    return grown * step_s / passed
