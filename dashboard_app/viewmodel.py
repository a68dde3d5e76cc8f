"""The gateway's JSON -> what the page says. Pure; whatever the JSON leaves out is unknown."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard_app import units

Json = Mapping[str, Any]
Values = tuple[float | None, ...]
TOP = 4
_LOW_SUCCESS, _BAD_SUCCESS = 0.99, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number. *tone* is ok, warn, bad or empty."""

    label: str
    value: str
    detail: str
    tone: str = ""
    change: str = ""
    change_tone: str = ""
    spark: Values = ()


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


def tiles(metrics: Json, history: Json | None) -> list[Tile]:
    """Status, requests, success, cost, p95 and tokens."""
    past = history or {}
    requests, success = metrics["requests"], metrics["requests"].get("successRate")
    errors_tone = "" if success is None or success >= _LOW_SUCCESS else "warn"
    if success is not None and success < _BAD_SUCCESS:
        errors_tone = "bad"
    per_hour = dig(metrics, "rates", "costPerHour")
    latency, tokens = metrics["latency"], metrics["tokens"]
    return [
        status_tile(metrics),
        Tile(
            label="Requests",
            value=units.count(requests["total"]),
            detail=f"{units.rate(dig(metrics, 'rates', 'requestsPerSecond'))} on average",
            spark=_values(past, "requests"),
            **_change(metrics, "requests", better=0),
        ),
        Tile(
            label="Success rate",
            value=units.percent(success),
            detail=f"{units.count(requests['error'])} errors",
            tone=errors_tone,
            spark=_success(past),
            **_change(metrics, "successRate", better=1),
        ),
        Tile(
            label="Cost",
            value=units.money(metrics["costs"]["total"]),
            detail=f"{units.money(per_hour)} per hour",
            spark=_values(past, "costUsd"),
            **_change(metrics, "costUsd", better=-1),
        ),
        Tile(
            label="Latency p95",
            value=units.duration(latency["p95"]),
            detail=f"p50 {units.duration(latency['p50'])} · p99 {units.duration(latency['p99'])}",
            spark=_values(past, "p95"),
            **_change(metrics, "p95", better=-1),
        ),
        Tile(
            label="Tokens",
            value=units.count(tokens["total"]),
            detail=f"{units.count(tokens['input'])} in · {units.count(tokens['output'])} out",
            spark=_values(past, "tokens")
            or _sum(_values(past, "tokensIn"), _values(past, "tokensOut")),
            **_change(metrics, "tokens", better=0),
        ),
    ]


def status_tile(metrics: Json) -> Tile:
    """The worst of what providers and circuits say."""
    providers = metrics.get("providers") or {}
    states = [state["status"] for state in providers.values()]
    opened = sorted(
        {c["provider"] for c in (metrics.get("circuits") or ()) if c["state"] == "open"}
    )
    healthy = states.count("healthy")
    detail = f"{healthy} of {len(states)} providers healthy" if states else "No provider seen yet"
    if opened:
        detail = f"Circuit open: {', '.join(opened)} · {detail}"
    if states and healthy == len(states) and not opened:
        return Tile(label="Status", value="● Healthy", detail=detail, tone="ok")
    if states and all(state == "unhealthy" for state in states):
        return Tile(label="Status", value="✕ Down", detail=detail, tone="bad")
    if not states:
        return Tile(label="Status", value="○ Waiting", detail=detail)
    return Tile(label="Status", value="◐ Degraded", detail=detail, tone="warn")


def _change(metrics: Json, name: str, *, better: int) -> dict[str, str]:
    """*better* says which direction is good news: 1 up, -1 down, 0 neither."""
    ratio = dig(metrics, "change", name, "ratio")
    if ratio is None or abs(ratio) < 0.0005:
        return {}
    size = f"{abs(ratio) * 100:.2f} pp" if name == "successRate" else f"{abs(ratio) * 100:.1f}%"
    tone = "" if better == 0 else ("ok" if ratio * better > 0 else "bad-text")
    return {"change": f"{'▲' if ratio > 0 else '▼'} {size}", "change_tone": tone}


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
    errors = _values(history, "errors")
    good = _minus(_values(history, "requests"), errors)
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
    found = [(shown, _values(history, name)) for shown, name in names.items()]
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
            values = _sum(values, more)
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


def _values(history: Json, name: str) -> Values:
    """The series, or () where it is not told."""
    return tuple(history.get(name) or ())


def _scaled(factor: float) -> Callable[[Values], Values]:
    return lambda values: tuple(None if v is None else v * factor for v in values)


def _sum(a: Values, b: Values) -> Values:
    both = zip(a, b, strict=False)
    return tuple(None if x is None and y is None else (x or 0) + (y or 0) for x, y in both)


def _minus(a: Values, b: Values) -> Values:
    both = zip(a, b, strict=False)
    return tuple(None if x is None or y is None else x - y for x, y in both)


def _success(history: Json) -> Values:
    both = zip(_values(history, "requests"), _values(history, "errors"), strict=False)
    return tuple(1 - e / r if r and e is not None else None for r, e in both)
