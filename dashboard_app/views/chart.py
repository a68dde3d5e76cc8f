"""A chart on a page; every tick writes the data sources of a figure that stays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import panel as pn
from bokeh.events import SelectionGeometry
from bokeh.models import Span

from dashboard_app.series import ChartData
from dashboard_app.theme import CHART_CSS, DARK, Palette
from dashboard_app.views.block import block, show
from dashboard_app.views.figure import make_figure
from dashboard_app.views.plotted import Plotted, plot
from dashboard_app.views.spec import ChartSpec


class Chart:
    """One figure with its title and legend as HTML."""

    def __init__(self, spec: ChartSpec, *, crosshair: Span) -> None:
        self.spec = spec
        self.plotted: Plotted = plot(spec.name, ChartData())
        self._palette = DARK
        self.figure, self._parts = make_figure(
            axis=spec.axis, stacked=spec.stacked, crosshair=crosshair
        )
        self.figure.name = spec.name
        self.head = block(self.plotted.head, margin=(10, 14, 0, 14))
        self.pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_width", margin=(0, 6, 6, 4))
        self.view = pn.Column(
            self.head,
            self.pane,
            sizing_mode="stretch_width",
            margin=0,
            stylesheets=[CHART_CSS],
            styles={"flex": "1 1 400px", "min-width": "min(100%, 330px)"},
        )
        self._write()
        self.restyle(DARK)

    def on_brush(self, react: Callable[[tuple[float, float]], None]) -> None:
        """Call *react* with (start, end) in epoch milliseconds when a span was brushed."""

        def brushed(event: SelectionGeometry) -> None:
            if event.final and event.geometry.get("type") == "rect":
                react((float(event.geometry["x0"]), float(event.geometry["x1"])))

        self.figure.on_event(SelectionGeometry, brushed)

    def update(self, plotted: Plotted, *, bounds: tuple[float, float]) -> None:
        """Show *plotted* between *bounds* (epoch milliseconds)."""
        if plotted is not self.plotted:
            self.plotted = plotted
            self._write()
            show(self.head, plotted.head)
        start, end = bounds
        _set(self.figure.x_range, start=start, end=end)
        _set(self.figure.y_range, start=0, end=plotted.top(start, end) * 1.1 or 1)

    def restyle(self, palette: Palette) -> None:
        """Take the colours of *palette*."""
        self._palette = palette
        figure = self.figure
        for axis in (*figure.xaxis, *figure.yaxis):
            axis.update(major_label_text_color=palette.muted)
        for grid in figure.ygrid:
            grid.update(grid_line_color=palette.border)
        self._write()

    def _write(self) -> None:
        colours = [self._palette.colour(slot) for slot in self.plotted.slots]
        columns = {
            "lines": {**self.plotted.lines, "colour": colours},
            "layers": {**self.plotted.layers, "colour": colours},
            "hover": self.plotted.hover,
        }
        for name, part in self._parts.items():
            if not _same(part.data_source.data, columns[name]):
                part.data_source.data = columns[name]


def _set(model: Any, **values: Any) -> None:
    changed = {name: value for name, value in values.items() if getattr(model, name) != value}
    if changed:
        model.update(**changed)


def _same(old: Any, new: dict[str, Any]) -> bool:
    """Whether nothing needs to be sent."""
    return old.keys() == new.keys() and all(_equal(old[name], new[name]) for name in new)


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_equal, a, b))
    return bool(a == b)


def csv(charts: Sequence[ChartData]) -> str:
    """Every point of *charts*: one line for a time and series."""
    lines = ["time_ms,series,value"]
    for data in charts:
        for series in data.series:
            name = series.name.replace('"', '""')
            points = zip(data.t, series.values, strict=False)
            lines.extend(f'{t:.0f},"{name}",{"" if v is None else v}' for t, v in points)
    return "\n".join(lines) + "\n"
