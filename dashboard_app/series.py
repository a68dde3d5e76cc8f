"""What the charts show of the gateway's JSON. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard_app import units
from dashboard_app.answer import (
    Json,
    Values,
    difference_of,
    epoch_ms,
    sum_of,
    values_of,
)

TOP = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line or a layer. *current* stands in the legend; *slot* is its colour, -1 for grey."""

    name: str
    values: Values
    current: str
    slot: int
    unit: Callable[[float | None], str]
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartData:
    """What a chart shows. *t* in epoch milliseconds. Without points, *note* says why."""

    t: tuple[float, ...] = ()
    series: tuple[Series, ...] = ()
    note: str = ""


def charts(
    metrics: Json, history: Json | None, *, cost_by: str, narrowed: bool = False
) -> dict[str, ChartData]:
    """Every chart by its name; of a *narrowed* history what it lacks is not told."""
    if not history or not history.get("t"):
        waiting = ChartData(note="Collecting; the first points come within half a minute")
        return dict.fromkeys(NAMES, waiting)
    t = tuple(map(epoch_ms, history["t"]))
    step = float(history["stepSeconds"])
    per_second = _scaled(1 / step)
    not_told = ChartData(note="Not told for these filters")
    known = [name for name, keys in _NEEDS.items() if any(key in history for key in keys)]
    errors = values_of(history, "errors")
    good = difference_of(values_of(history, "requests"), errors)
    lines = _lines
    found = {
        "volume": ChartData(
            t=t,
            series=(
                _series("Failed", per_second(errors), units.rate, 0, colour="bad"),
                _series("Succeeded", per_second(good), units.rate, 0),
            ),
        ),
        "latency": lines(t, history, units.duration, p50="p50", p95="p95", p99="p99"),
        "errors": _parts(t, history.get("errorsByType"), units.count, sums=True),
        "cost": _parts(t, _costs(history, cost_by), units.money, sums=True),
        "tokens": _parts(t, _tokens(history), units.count, sums=True),
        "ttft": lines(t, history, units.duration, p50="ttftP50", p95="ttftP95"),
        "speed": lines(t, history, _tokens_a_second, p50="tokensPerSecondP50"),
        "overhead": lines(t, history, units.duration, p50="overheadP50", p95="overheadP95"),
    }
    return {n: data if n in known or not narrowed else not_told for n, data in found.items()}


_NEEDS = {
    "volume": ("requests",),
    "latency": ("p50", "p95"),
    "errors": ("errorsByType",),
    "cost": ("byModel", "byProvider", "byTeam", "byTag"),
    "tokens": ("tokens", "tokensByType"),
    "ttft": ("ttftP50",),
    "speed": ("tokensPerSecondP50",),
    "overhead": ("overheadP50",),
}
NAMES = ("volume", "latency", "errors", "cost", "tokens", "ttft", "speed", "overhead")


def _tokens_a_second(value: float | None) -> str:
    return units.UNKNOWN if value is None else f"{value:.0f} tok/s"


def _lines(
    t: tuple[float, ...], history: Json, unit: Callable[[float | None], str], **names: str
) -> ChartData:
    """Lines by their shown name; without any value the chart says that it is not known."""
    found = [(shown, values_of(history, name)) for shown, name in names.items()]
    if not any(v is not None for _, values in found for v in values):
        return ChartData(note="Over time only with the gateway's history")
    series = [_series(name, values, unit, i) for i, (name, values) in enumerate(found)]
    return ChartData(t=t, series=tuple(series))


def _parts(
    t: tuple[float, ...],
    parts: Mapping[str, Iterable[float | None] | None] | None,
    unit: Callable[[float | None], str],
    *,
    sums: bool,
) -> ChartData:
    """The four largest and "other", largest first."""
    found = {name: tuple(values or ()) for name, values in (parts or {}).items()}
    totals = {name: sum(v or 0 for v in values) for name, values in found.items()}
    ranked = sorted((n for n in totals if totals[n] > 0), key=lambda n: (-totals[n], n))
    named = [name for name in ranked if name != "other"][:TOP]
    series = [
        _series(name, found[name], unit, i, total=totals[name] if sums else None)
        for i, name in enumerate(named)
    ]
    rest = [found[name] for name in ranked if name not in named]
    if rest:
        values = rest[0]
        for more in rest[1:]:
            values = sum_of(values, more)
        series.append(_series("other", values, unit, -1, total=sum(v or 0 for v in values)))
    return ChartData(t=t, series=tuple(series), note="" if series else "None in this range")


def _series(
    name: str,
    values: Values,
    unit: Callable[[float | None], str],
    slot: int,
    *,
    total: float | None = None,
    colour: str = "",
) -> Series:
    last = next((v for v in reversed(values) if v is not None), None)
    return Series(
        name=name,
        values=values,
        current=unit(last if total is None else total),
        slot=slot,
        unit=unit,
        colour=colour,
    )


def _costs(history: Json, by: str) -> dict[str, Any]:
    return {name: part.get("costUsd") for name, part in (history.get(by) or {}).items()}


def _tokens(history: Json) -> Mapping[str, Any]:
    by_type = history.get("tokensByType")
    if by_type is None and "tokensIn" not in history:
        return {"tokens": history.get("tokens")}
    return by_type or {"input": history.get("tokensIn"), "output": history.get("tokensOut")}


def _scaled(factor: float) -> Callable[[Values], Values]:
    return lambda values: tuple(None if v is None else v * factor for v in values)
