"""One open page: what it watches, and how a frame gets onto it."""

import json
import logging
import re
import time
from collections.abc import Mapping
from io import StringIO
from typing import Any

import panel as pn
import param

from dashboard_app import controls
from dashboard_app.picture import COSTS, Choice, Gallery
from dashboard_app.span import DEFAULT_SPAN, SPANS
from dashboard_app.store import Frame, Store
from dashboard_app.theme import DARK, LIGHT, Palette
from dashboard_app.view import View
from dashboard_app.views import notes
from dashboard_app.views.block import block, show
from dashboard_app.views.chart import csv
from dashboard_app.workshop import Charts, make_charts

_BLOCKS = (
    *("status", "controls", "banner", "note", "zoomed", "tiles", "providers", "tools"),
    *("timeline", "models", "compare", "events", "failovers", "budgets", "health"),
    *("slow", "failed", "request"),
)
_ALWAYS = {"status", "controls", "tools"}
_WISHES = {
    *("span", "live", "cost_by", "model", "provider", "team", "compare_a", "compare_b"),
    *("request", "zoom", "theme"),
}
_ZOOM = re.compile(r"([0-9]{1,11})-([0-9]{1,11})")  # until the year 5138; more has no calendar
_log = logging.getLogger(__name__)


class Dashboard(param.Parameterized):
    """The state of a page. All but the theme stands in the address."""

    span = param.Selector(default=DEFAULT_SPAN, objects=list(SPANS))
    live = param.Boolean(default=True)
    cost_by = param.Selector(default="Model", objects=list(COSTS))
    model = param.String(default="")
    provider = param.String(default="")
    team = param.String(default="")
    compare_a = param.String(default="")
    compare_b = param.String(default="")
    request = param.String(default="")
    zoom = param.String(default="", doc="Start and end in epoch seconds, start-end.")
    theme = param.Selector(default="dark", objects=["dark", "light"])

    def __init__(
        self,
        store: Store,
        *,
        gallery: Gallery | None = None,
        charts: Charts | None = None,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._store = store
        self._gallery = gallery or Gallery()
        self._document = pn.state.curdoc
        self._frame = Frame()
        self._started = False
        self._choices: dict[str, list[str]] = {}
        self.charts = charts or make_charts()
        self.blocks = {name: block(visible=name in _ALWAYS) for name in _BLOCKS}
        for chart in self.charts.values():
            chart.on_brush(self._brushed)
        self._wished = 0
        self.param.watch(self._change_view, ["span", "model", "provider", "team"])
        shown = ["live", "cost_by", "request", "zoom", "compare_a", "compare_b"]
        self.param.watch(lambda *_: self._draw(), shown)
        self.param.watch(lambda e: self.use(LIGHT if e.new == "light" else DARK), "theme")
        self._draw()

    @property
    def view(self) -> View:
        """What it watches."""
        return View(span=self.span, model=self.model, provider=self.provider, team=self.team)

    def start(self) -> None:
        """Watch the store; only once a browser has really opened the page."""
        self._started = True
        self._store.subscribe(self.view, self._receive)

    def stop(self) -> None:
        """Watch no longer."""
        self._started = False
        self._store.unsubscribe(self._receive)

    def peek(self) -> None:
        """Show what the store has already, without watching it."""
        frame = self._store.frames.get(self.view)
        if frame is not None:
            self.apply(frame)

    def apply(self, frame: Frame) -> None:
        """Show *frame*. While paused only the banner follows."""
        if self.live or self._frame.reading is None:
            self._frame = frame
            self._draw()
        self._say_state(frame)

    def ask(self, message: str) -> None:
        """Take wishes of the browser: JSON with ``set``, the name of a parameter, and ``value``.

        Several come as ``wishes``, numbered by ``at``: the last ones, some of them known already.
        """
        try:
            told = json.loads(message)
            for wish in told.get("wishes", (told,)):
                at = wish.get("at", self._wished + 1)
                if at > self._wished:
                    self._wished = at
                    self._take(wish["set"], wish["value"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("A wish of a browser was not understood: %r", error)

    def _take(self, name: str, value: Any) -> None:
        if name == "filters":
            self.param.update(model="", provider="", team="")
        elif name in _WISHES:
            self.param.update(**{name: value})

    def take_each(self, values: Mapping[str, Any]) -> None:
        """Take of *values* what is allowed: one bad word in a link does not cost the others.

        A name that is a number (``team=2024``) has been read as one.
        """
        for name, value in values.items():
            words = isinstance(self.param[name], param.String) and not isinstance(value, str)
            try:
                self.param.update(**{name: str(value) if words else value})
            except ValueError as error:
                _log.warning("A word of the address was not understood: %s", error)

    def use(self, palette: Palette) -> None:
        """Change the colours of the charts; all else follows the page's variables."""
        for chart in self.charts.values():
            chart.restyle(palette)

    def bounds(self) -> tuple[float, float]:
        """What the charts show, in epoch milliseconds."""
        zoomed = _interval(self.zoom)
        if zoomed is not None:
            return zoomed[0] * 1000.0, zoomed[1] * 1000.0
        end_ms = (self._frame.fetched_at or time.time()) * 1000
        return end_ms - SPANS[self.span] * 1000, end_ms

    def csv(self) -> StringIO:
        """All points of all charts."""
        return StringIO(csv([chart.plotted.data for chart in self.charts.values()]))

    def _receive(self, frame: Frame) -> None:
        document = self._document
        if document is None:
            self.apply(frame)
        elif document.session_context is not None:
            document.add_next_tick_callback(lambda: self.apply(frame))

    def _change_view(self, *_: Any) -> None:
        started = self._started
        self.stop()
        self._frame = Frame()
        if started:
            self.start()

    def _brushed(self, span: tuple[float, float]) -> None:
        start, end = (int(ms // 1000) for ms in span)
        if end - start >= 1:
            self.zoom = f"{start}-{end}"

    def _say_state(self, frame: Frame) -> None:
        shown = frame if self.live or frame.error else self._frame
        at = shown.fetched_at
        clock = time.strftime("%H:%M:%S UTC", time.gmtime(at)) if at is not None else "no reading"
        age_s = None if frame.fetched_at is None else time.time() - frame.fetched_at
        error = frame.error
        self._show("status", notes.status(live=self.live, error=error, clock=clock))
        self._show("banner", "" if error is None else notes.stale(error, age_s=age_s))

    def _draw(self) -> None:
        self._cover_zoom()
        bounds = self.bounds()
        pair = (self.compare_a, self.compare_b)
        choice = Choice(cost_by=self.cost_by, request=self.request, compare=pair)
        picture = self._gallery.picture(self._frame, self.view, choice)
        for name, chart in self.charts.items():
            chart.update(picture.charts.get(name, chart.plotted), bounds=bounds)
        for name, html in picture.blocks.items():
            self._show(name, html)
        self._show("zoomed", notes.zoomed(bounds) if _interval(self.zoom) else "")
        self._show_controls()

    def _show_controls(self) -> None:
        reading = self._frame.reading
        if reading is not None and not (self.view.filters and self._choices):
            self._choices = controls.choices(reading.metrics)
        state = {name: getattr(self, name) for name in ("span", "live", "cost_by")}
        state |= {name: getattr(self, name) for name in ("model", "provider", "team")}
        state["compare"] = (self.compare_a, self.compare_b)
        self._show("controls", controls.head(state, self._choices))
        self._show("tools", controls.body(state, self._choices.get("model", ())))

    def _cover_zoom(self) -> None:
        """Ask for a range long enough for what is zoomed."""
        zoomed = _interval(self.zoom)
        if zoomed is None:
            return
        age_s = time.time() - zoomed[0]
        if age_s > SPANS[self.span] + 60:
            self.span = next((s for s, length in SPANS.items() if length >= age_s), "30d")

    def _show(self, name: str, html: str) -> None:
        pane = self.blocks[name]
        show(pane, html)
        visible = bool(html) or name in _ALWAYS
        if pane.visible != visible:
            pane.visible = visible


def _interval(zoom: str) -> tuple[int, int] | None:
    found = _ZOOM.fullmatch(zoom)
    if found is None:
        return None
    start, end = map(int, found.groups())
    return (start, end) if start < end else None
