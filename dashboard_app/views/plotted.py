"""The columns that a chart's sources hold, computed without a figure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dashboard_app.answer import Values
from dashboard_app.series import ChartData, Series
from dashboard_app.views.block import text
from dashboard_app.views.spec import SPEC_OF


@dataclass(frozen=True, slots=True, kw_only=True)
class Plotted:
    """Columns of lines, layers and hover texts. *slots* name the colours."""

    data: ChartData
    lines: dict[str, Any]
    layers: dict[str, Any]
    hover: dict[str, Any]
    head: str
    slots: tuple[str, ...]

    def top(self, start: float, end: float) -> float:
        """The highest value between *start* and *end* (epoch milliseconds)."""
        t = self.hover["x"]
        inside = self.hover["y"][(t >= start) & (t <= end)]
        known = inside[~np.isnan(inside)]
        return float(known.max()) if len(known) else 0.0


def plot(name: str, data: ChartData) -> Plotted:
    """Everything that a tick writes for the chart *name*."""
    spec = SPEC_OF[name]
    t = np.array(data.t, dtype="float64")
    base = np.zeros(len(t))
    lines: list[Any] = []
    xs: list[Any] = []
    ys: list[Any] = []
    for series in data.series:
        values = _array(series.values, len(t))
        upper = base + np.nan_to_num(values) if spec.stacked else values
        lines.append(np.where(np.isnan(values), np.nan, upper))
        if spec.stacked:
            x, y = outlines(t, base, upper, known=~np.isnan(values))
            xs.append(x)
            ys.append(y)
            base = upper
    slots = tuple(_slot(s) for s in data.series)
    names = [s.name for s in data.series]
    values = [_array(s.values, len(t)) for s in data.series]
    return Plotted(
        data=data,
        lines={"xs": [t] * len(lines), "ys": lines, "name": names, "value": values},
        layers={"xs": xs, "ys": ys},
        hover={"x": t, "y": _highest(lines, len(t)), "said": _said(data)},
        head=_head(name, data, slots),
        slots=slots,
    )


Outlines = list[list[Any]]


def outlines(t: Any, base: Any, top: Any, *, known: Any) -> tuple[Outlines, Outlines]:
    """Polygons between *base* and *top*, one for each run without a gap: each a list of rings."""
    x: Outlines = []
    y: Outlines = []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(int), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        run = slice(start, end)
        x.append([np.concatenate((t[run], t[run][::-1]))])
        y.append([np.concatenate((top[run], base[run][::-1]))])
    return x, y


def _highest(lines: list[Any], length: int) -> Any:
    if not lines:
        return np.full(length, np.nan)
    highest = np.fmax.reduce(lines)
    return np.asarray(highest)


def _said(data: ChartData) -> list[str]:
    """The values of each instant, as HTML."""
    keys = [f'<i style="background:{variable(_slot(s))}"></i>{text(s.name)} ' for s in data.series]
    rows = []
    for i, ms in enumerate(data.t):
        clock = datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%d %b %H:%M:%S UTC")
        values = "".join(
            f"<div>{key}<b>{text(s.unit(s.values[i] if i < len(s.values) else None))}</b></div>"
            for key, s in zip(keys, data.series, strict=True)
        )
        rows.append(f"<div>{clock}</div>{values}")
    return rows


def _head(name: str, data: ChartData, slots: tuple[str, ...]) -> str:
    """Title, unit, exports, the legend with current values, and all of it in words."""
    spec = SPEC_OF[name]
    keys = "".join(
        f'<span><span class="key" style="background:{variable(slot)}"></span>'
        f"{text(s.name)} <b>{text(s.current)}</b></span>"
        for slot, s in zip(slots, data.series, strict=True)
    )
    said = "; ".join(_words(s) for s in data.series) or data.note
    title = text(spec.title)
    return (
        f'<section aria-label="{title}"><div class="top"><h2>{title}</h2>'
        f'<span class="label">{text(spec.unit)}</span><span class="exports">'
        f'<button type="button" data-csv-of="{name}" aria-label="{title} as CSV">CSV</button>'
        f'<button type="button" data-png-of="{name}" aria-label="{title} as PNG">PNG</button>'
        f"</span></div>"
        f'<div class="legend">{keys or text(data.note)}</div>'
        f'<p class="spoken">{text(said)}</p></section>'
    )


def _words(series: Series) -> str:
    known = [v for v in series.values if v is not None]
    if not known:
        return f"{series.name}: not known"
    low, high = series.unit(min(known)), series.unit(max(known))
    return f"{series.name}: {series.current}, between {low} and {high} in this range"


def _array(values: Values, length: int) -> Any:
    """*values* with NaN for what is unknown, also where they are too short."""
    found = np.full(length, np.nan)
    known = values[:length]
    found[: len(known)] = [np.nan if v is None else v for v in known]
    return found


def _slot(series: Series) -> str:
    """The name of its colour in a palette: ``bad``, ``s0`` … ``s4``, or ``s5`` for grey."""
    return series.colour or f"s{5 if series.slot < 0 else series.slot}"


def variable(slot: str) -> str:
    """The colour of *slot* in CSS."""
    return f"var(--{slot})"
