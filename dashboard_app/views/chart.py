"""A chart that HoloViews builds once; every tick writes its data sources.

Each has a fixed number of slots, so that a new model in the legend needs no new figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.events import SelectionGeometry
from bokeh.models import (
    BoxSelectTool,
    CrosshairTool,
    CustomJSTickFormatter,
    DatetimeTickFormatter,
    HoverTool,
    Span,
)

from dashboard_app.theme import DARK, Palette
from dashboard_app.viewmodel import ChartData, Series, Values
from dashboard_app.views.block import block, show, text

_SLOTS = 6
_HEIGHT = 210
_FORMATS = {
    "duration": "return tick < 1000 ? tick.toFixed(0) + ' ms' : (tick / 1000).toFixed(1) + ' s'",
    "money": "return '$' + (tick >= 0.1 || tick === 0 ? tick.toFixed(2) : tick.toPrecision(2))",
    "count": "return tick >= 1e6 ? (tick/1e6).toFixed(1)+'M' : tick >= 1e3 ? "
    "(tick/1e3).toFixed(tick >= 1e4 ? 0 : 1)+'k' : +tick.toFixed(2)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """How a chart looks. *unit* is the words beside its title."""

    name: str
    title: str
    unit: str
    axis: str
    stacked: bool = False


SPECS = (
    ChartSpec(
        name="volume",
        title="Request volume",
        unit="requests per second",
        axis="count",
        stacked=True,
    ),
    ChartSpec(name="latency", title="Latency", unit="request duration", axis="duration"),
    ChartSpec(
        name="errors", title="Errors by type", unit="requests per step", axis="count", stacked=True
    ),
    ChartSpec(name="cost", title="Cost", unit="US dollars per step", axis="money", stacked=True),
    ChartSpec(
        name="tokens", title="Token usage", unit="tokens per step", axis="count", stacked=True
    ),
    ChartSpec(name="ttft", title="Time to first token", unit="streams", axis="duration"),
    ChartSpec(
        name="speed", title="Generation speed", unit="output tokens per second", axis="count"
    ),
    ChartSpec(
        name="overhead", title="Gateway overhead", unit="time in the gateway", axis="duration"
    ),
)


class Chart:
    """One figure with its title and legend as HTML."""

    def __init__(self, spec: ChartSpec, *, crosshair: Span) -> None:
        self.spec = spec
        self.data = ChartData()
        self._slots: tuple[Series, ...] = ()
        self._palette = DARK
        plot = hv.renderer("bokeh").get_plot(_elements())
        self.figure = plot.state
        drawn = [plot.subplots[key] for key in plot.subplots]
        self._areas, self._lines = drawn[:_SLOTS], drawn[_SLOTS:]
        self._arrange(crosshair)
        self.head = block(margin=(10, 14, 0, 14))
        self.pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_width", margin=(0, 8, 6, 4))
        self.view = pn.Column(
            self.head,
            self.pane,
            css_classes=["panelcard", "dark"],
            sizing_mode="stretch_width",
            margin=0,
            styles={"flex": "1 1 400px", "min-width": "min(100%, 330px)"},
        )

    def on_brush(self, react: Any) -> None:
        """Call *react* with (start, end) in epoch milliseconds when a span was brushed."""

        def brushed(event: SelectionGeometry) -> None:
            if event.final and event.geometry.get("type") == "rect":
                react((float(event.geometry["x0"]), float(event.geometry["x1"])))

        self.figure.on_event(SelectionGeometry, brushed)

    def update(self, data: ChartData, *, bounds: tuple[float, float]) -> None:
        """Show *data* between *bounds* (epoch milliseconds)."""
        self.data = data
        self._slots = data.series[:_SLOTS]
        t = np.array(data.t, dtype="float64")
        base = np.zeros(len(t))
        top = 0.0
        for index in range(_SLOTS):
            area, line = (p.handles["source"] for p in (self._areas[index], self._lines[index]))
            if index >= len(self._slots):
                _write(area, x=[], y=[])
                _write(line, t=[], y=[])
                continue
            values = _array(self._slots[index].values)
            upper = base + np.nan_to_num(values) if self.spec.stacked else values
            shown = np.where(np.isnan(values), np.nan, upper)
            _write(line, t=t, y=shown)
            if self.spec.stacked:
                x, y = polygon(t, base, upper, known=~np.isnan(values))
                _write(area, x=x, y=y)
                base = upper
            inside = shown[(t >= bounds[0]) & (t <= bounds[1]) & ~np.isnan(shown)]
            top = max(top, float(inside.max())) if len(inside) else top
        self._hover(t)
        self.figure.x_range.update(start=bounds[0], end=bounds[1])
        self.figure.y_range.update(start=0, end=top * 1.08 or 1)
        self.restyle(self._palette)
        show(self.head, self._legend())

    def restyle(self, palette: Palette) -> None:
        """Take the colours of *palette*."""
        self._palette = palette
        figure = self.figure
        figure.update(background_fill_color=palette.card, border_fill_color=palette.card)
        for axis in (*figure.xaxis, *figure.yaxis):
            axis.update(major_label_text_color=palette.muted)
        for grid in figure.ygrid:
            grid.update(grid_line_color=palette.border)
        for series, area, line in zip(self._slots, self._areas, self._lines, strict=False):
            colour = _colour(series, palette)
            area.handles["glyph"].update(fill_color=colour)
            line.handles["glyph"].update(line_color=colour)
        classes = ["panelcard", palette.name]
        if self.view.css_classes != classes:
            self.view.css_classes = classes
            self.head.css_classes = [palette.name]

    def _legend(self) -> str:
        keys = "".join(
            f'<span><span class="key" style="background:{_variable(s)}"></span>'
            f"{text(s.name)} <b>{text(s.current)}</b></span>"
            for s in self._slots
        )
        spec = self.spec
        return (
            f'<section aria-label="{text(spec.title)}"><div class="top"><h2>{text(spec.title)}</h2>'
            f'<span class="label">{text(spec.unit)}</span></div>'
            f'<div class="legend">{keys or text(self.data.note)}</div></section>'
        )

    def _hover(self, t: Any) -> None:
        """The values of one instant as a text for each step, on the top line's source."""
        if not self._slots:
            return
        rows = [
            "\n".join(f"{s.name}: {_plain(s.values[i])}" for s in self._slots if i < len(s.values))
            for i in range(len(t))
        ]
        handles = self._lines[len(self._slots) - 1].handles
        source, renderers = handles["source"], [handles["glyph_renderer"]]
        source.data = {**source.data, "said": rows}
        if self._tooltip.renderers != renderers:  # the other lines have no text
            self._tooltip.renderers = renderers

    def _arrange(self, crosshair: Span) -> None:
        figure = self.figure
        figure.update(
            height=_HEIGHT,
            sizing_mode="stretch_width",
            toolbar_location=None,
            outline_line_color=None,
            min_border_left=62,
            min_border_right=12,
        )
        figure.title.visible = False
        figure.legend.visible = False
        figure.xaxis.formatter = DatetimeTickFormatter(
            minutes="%H:%M",
            hourmin="%H:%M",
            hours="%H:%M",
            seconds="%H:%M:%S",
            minsec="%H:%M:%S",
            days="%d %b",
        )
        figure.yaxis.formatter = CustomJSTickFormatter(code=_FORMATS[self.spec.axis])
        for axis in (*figure.xaxis, *figure.yaxis):
            axis.update(
                axis_label="",
                axis_line_color=None,
                major_tick_line_color=None,
                minor_tick_line_color=None,
                major_label_text_font_size="11px",
            )
        figure.xgrid.grid_line_color = None
        figure.ygrid.grid_line_color = DARK.border
        figure.yaxis.ticker.desired_num_ticks = 4
        tools = [
            CrosshairTool(overlay=crosshair, dimensions="height"),
            HoverTool(
                mode="vline", tooltips="@said", renderers=[self._lines[0].handles["glyph_renderer"]]
            ),
            BoxSelectTool(dimensions="width"),
        ]
        figure.toolbar.tools = tools
        figure.toolbar.active_drag = tools[-1]
        self._tooltip = tools[1]
        for drawn in (*self._areas, *self._lines):
            renderer = drawn.handles["glyph_renderer"]
            renderer.nonselection_glyph = None
            renderer.selection_glyph = None
            renderer.muted_glyph = None


def polygon(t: Any, base: Any, top: Any, *, known: Any) -> tuple[list[float], list[float]]:
    """Closed outlines between *base* and *top*, one for each run without a gap."""
    x: list[float] = []
    y: list[float] = []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(int), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        run = slice(start, end)
        if x:
            x.append(float("nan"))
            y.append(float("nan"))
        x.extend(np.concatenate((t[run], t[run][::-1])).tolist())
        y.extend(np.concatenate((top[run], base[run][::-1])).tolist())
    return x, y


def _elements() -> Any:
    t = np.array([0, 1], dtype="datetime64[ms]")
    areas = [
        hv.Area((t, [0.0, 0.0]), "t", "y", label=f"a{i}").opts(
            fill_alpha=0.25, line_alpha=0, default_tools=[]
        )
        for i in range(_SLOTS)
    ]
    lines = [
        hv.Curve((t, [0.0, 0.0]), "t", "y", label=f"l{i}").opts(line_width=1.5, default_tools=[])
        for i in range(_SLOTS)
    ]
    return hv.Overlay([*areas, *lines]).opts(
        hv.opts.Overlay(responsive=True, min_height=_HEIGHT, show_legend=False)
    )


def _array(values: Values) -> Any:
    return np.array([np.nan if v is None else v for v in values], dtype="float64")


def _write(source: Any, **columns: Any) -> None:
    source.data = columns


def _colour(series: Series, palette: Palette) -> str:
    if series.colour:
        return str(getattr(palette, series.colour))
    return palette.other if series.slot < 0 else palette.series[series.slot]


def _variable(series: Series) -> str:
    if series.colour:
        return f"var(--{series.colour})"
    return "var(--s5)" if series.slot < 0 else f"var(--s{series.slot})"


def _plain(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.4g}"


def csv(charts: Sequence[ChartData]) -> str:
    """Every point of *charts*: one line for a time and series."""
    lines = ["time_ms,series,value"]
    for data in charts:
        for series in data.series:
            name = series.name.replace('"', '""')
            points = zip(data.t, series.values, strict=False)
            lines.extend(f'{t:.0f},"{name}",{"" if v is None else v}' for t, v in points)
    return "\n".join(lines) + "\n"
