"""Bokeh figures by HoloViews: built once for a process, then copied for every page.

HoloViews takes half a second for a plot; a copy of what it built takes some milliseconds.
"""

from functools import cache
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh  # registers the backend
import numpy as np
from bokeh.core.serialization import Deserializer, Serializer
from bokeh.models import (
    BoxSelectTool,
    CrosshairTool,
    CustomJSTickFormatter,
    DatetimeTicker,
    DatetimeTickFormatter,
    HoverTool,
    Span,
)
from bokeh.util.serialization import make_id

HEIGHT = 200
_FORMATS = {
    "duration": "return tick < 1000 ? +tick.toFixed(1) + ' ms' : +(tick / 1000).toFixed(2) + ' s'",
    "money": "return tick === 0 ? '$0' : '$' + (tick >= 0.1 ? tick.toFixed(2) : "
    "tick >= 1e-7 ? tick.toFixed(9).replace(/0+$/, '') : tick.toExponential(0))",
    "count": "return tick >= 1e6 ? +(tick/1e6).toFixed(1)+'M' : tick >= 1e3 ? "
    "+(tick/1e3).toFixed(1)+'k' : +tick.toFixed(2)",
}
_PARTS = {"Polygons": "layers", "Path": "lines", "Curve": "hover"}


def make_figure(*, axis: str, stacked: bool, crosshair: Span) -> tuple[Any, dict[str, Any]]:
    """A figure of a page's own, and its renderers ``lines``, ``hover`` and perhaps ``layers``."""
    figure = _copy(_prototype(axis=axis, stacked=stacked))
    line = CrosshairTool(overlay=crosshair, dimensions="height")
    figure.toolbar.tools = [line, *figure.toolbar.tools]
    figure.toolbar.active_drag = figure.toolbar.tools[-1]
    return figure, {renderer.name: renderer for renderer in figure.renderers}


_TOOLTIP = (
    '<div style="font:12px system-ui,sans-serif;font-variant-numeric:tabular-nums">'
    "<style>i{display:inline-block;width:10px;height:3px;border-radius:2px;margin-right:5px;"
    "vertical-align:middle}</style>@said{safe}</div>"
)


@cache
def _prototype(*, axis: str, stacked: bool) -> Any:
    """What HoloViews makes of a line for each series, layers below, and a line to hover on."""
    t, y = np.array([0.0, 1.0]), np.array([0.0, 1.0])
    parts: list[Any] = [
        hv.Curve((t, y), "x", "y").opts(line_alpha=0, default_tools=[]),
        hv.Path([{"x": t, "y": y}], ["x", "y"]).opts(line_width=1.5, default_tools=[]),
    ]
    if stacked:
        square = {"x": np.array([0.0, 1, 1]), "y": np.array([0.0, 1, 0])}
        layers = hv.Polygons([square], ["x", "y"])
        parts.insert(0, layers.opts(fill_alpha=0.25, line_alpha=0, default_tools=[]))
    overlay = hv.Overlay(parts).opts(responsive=True, min_height=HEIGHT, show_legend=False)
    plot = hv.renderer("bokeh").get_plot(overlay)
    for (kind, *_), drawn in plot.subplots.items():
        drawn.handles["glyph_renderer"].name = _PARTS[kind]
    figure = plot.state
    figure.update(tags=[], title=None)
    _arrange(figure, axis=axis)
    return Serializer().encode(figure)


def _copy(encoded: Any) -> Any:
    """A figure like *encoded*, with new ids."""
    ids: dict[str, str] = {}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: _new(v, ids) if k == "id" else renamed(v) for k, v in value.items()}
        return [renamed(v) for v in value] if isinstance(value, list) else value

    return Deserializer().decode(renamed(encoded))


def _new(old: Any, ids: dict[str, str]) -> Any:
    return ids.setdefault(old, make_id()) if isinstance(old, str) else old


def _arrange(figure: Any, *, axis: str) -> None:
    figure.update(
        height=HEIGHT,
        sizing_mode="stretch_width",
        toolbar_location=None,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        min_border_left=62,
        min_border_right=14,
        min_border_top=8,
    )
    days = DatetimeTickFormatter(
        minutes="%H:%M",
        hourmin="%H:%M",
        hours="%H:%M",
        seconds="%H:%M:%S",
        minsec="%H:%M:%S",
        days="%d %b",
    )
    figure.xaxis.ticker = DatetimeTicker(desired_num_ticks=5)
    figure.xaxis.formatter = days
    figure.yaxis.formatter = CustomJSTickFormatter(code=_FORMATS[axis])
    figure.yaxis.ticker.desired_num_ticks = 4
    for one in (*figure.xaxis, *figure.yaxis):
        one.update(
            axis_label="",
            axis_line_color=None,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_font_size="11px",
        )
    figure.xgrid.grid_line_color = None
    for part in figure.renderers:
        part.update(nonselection_glyph=None, selection_glyph=None, muted_glyph=None)
        part.data_source.data = {}
        if part.name != "hover":
            setattr(part.glyph, "line_color" if part.name == "lines" else "fill_color", "colour")
    hovered = [part for part in figure.renderers if part.name == "hover"]
    hover = HoverTool(mode="vline", tooltips=_TOOLTIP, renderers=hovered)
    figure.toolbar.tools = [hover, BoxSelectTool(dimensions="width")]
