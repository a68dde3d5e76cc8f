"""One open page: what it watches, and how a reading gets onto it."""

import time
from io import StringIO
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from bokeh.models import Span
from panel.io.state import state

from dashboard_app import units, viewmodel
from dashboard_app.client import Reading
from dashboard_app.span import DEFAULT_SPAN, SPANS
from dashboard_app.store import Frame, Store
from dashboard_app.theme import DARK, LIGHT, Palette, theme_config
from dashboard_app.views import providers, tables, tiles, timeline
from dashboard_app.views.block import block, show, text
from dashboard_app.views.chart import SPECS, Chart, csv

_COSTS = {"Model": "byModel", "Provider": "byProvider", "Team": "byTeam", "Tag": "byTag"}
_BLOCKS = (
    *("status", "banner", "note", "tiles", "providers", "timeline", "models", "events"),
    *("budgets", "slow", "failed", "request"),
)
_GRID = {"gap": "12px"}
_CARD = """
:host(.panelcard){border-radius:8px;border:1px solid}
:host(.panelcard.dark){background:#12161f;border-color:#252c3a}
:host(.panelcard.light){background:#ffffff;border-color:#dfe3ea}
"""


class Dashboard(param.Parameterized):
    """The state of a page. What a link can carry stands in the address."""

    span = param.Selector(default=DEFAULT_SPAN, objects=list(SPANS))
    live = param.Boolean(default=True)
    cost_by = param.Selector(default="Model", objects=list(_COSTS))
    request = param.String(default="")
    zoom = param.String(default="", doc="Start and end in epoch seconds, start-end.")

    def __init__(self, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._store = store
        self._document = pn.state.curdoc
        self._frame = Frame()
        self._started = False
        self._palette = DARK
        crosshair = Span(dimension="height", line_color="#93a0b4", line_width=1)
        self.charts = {spec.name: Chart(spec, crosshair=crosshair) for spec in SPECS}
        self.blocks = {name: block() for name in _BLOCKS}
        self._style_blocks()
        for chart in self.charts.values():
            chart.on_brush(self._brushed)
        self.param.watch(self._change_span, "span")
        self.param.watch(lambda _: self._draw(), ["live", "cost_by", "request", "zoom"])

    def start(self) -> None:
        """Watch the store; only once a browser has really opened the page."""
        self._started = True
        self._store.subscribe(self.span, self._receive)

    def stop(self) -> None:
        """Watch no longer."""
        self._started = False
        self._store.unsubscribe(self._receive)

    def apply(self, frame: Frame) -> None:
        """Show *frame*. While paused only the banner follows."""
        if self.live or self._frame.reading is None:
            self._frame = frame
            self._draw()
        self._say_state(frame)

    def use(self, palette: Palette) -> None:
        """Change the colours of everything on the page."""
        self._palette = palette
        for pane in self.blocks.values():
            pane.css_classes = [palette.name]
        for chart in self.charts.values():
            chart.restyle(palette)

    def bounds(self) -> tuple[float, float]:
        """What the charts show, in epoch milliseconds."""
        start, _, end = self.zoom.partition("-")
        if start.isdigit() and end.isdigit() and int(start) < int(end):
            return int(start) * 1000.0, int(end) * 1000.0
        end_ms = (self._frame.fetched_at or time.time()) * 1000
        return end_ms - SPANS[self.span] * 1000, end_ms

    def csv(self) -> StringIO:
        """All points of all charts."""
        return StringIO(csv([chart.data for chart in self.charts.values()]))

    def _receive(self, frame: Frame) -> None:
        document = self._document
        if document is None:
            self.apply(frame)
        elif document.session_context is not None:
            document.add_next_tick_callback(lambda: self.apply(frame))

    def _change_span(self, _: Any) -> None:
        started = self._started
        self.stop()
        self.zoom = ""
        self._frame = Frame()
        if started:
            self.start()

    def _brushed(self, span: tuple[float, float]) -> None:
        start, end = (int(ms // 1000) for ms in span)
        if end - start >= 1:
            self.zoom = f"{start}-{end}"

    def _say_state(self, frame: Frame) -> None:
        banner = self.blocks["banner"]
        banner.visible = frame.error is not None
        clock = _clock(frame.fetched_at)
        if frame.error is None:
            word = "● live" if self.live else "‖ paused"
            shown = clock if self.live else _clock(self._frame.fetched_at)
            show(
                self.blocks["status"],
                f'<span class="live"><span class="ok">{word}</span> · {shown}</span>',
            )
            return
        last = "No reading yet"
        if frame.fetched_at is not None:
            last = f"Showing the last good reading, {units.age(time.time() - frame.fetched_at)} old"
        show(
            banner,
            f'<div class="banner" role="alert">✕ {text(frame.error)}. {last}; trying again.</div>',
        )
        show(self.blocks["status"], f'<span class="live bad-text">✕ stale · {clock}</span>')

    def _draw(self) -> None:
        reading = self._frame.reading
        if reading is None:
            return
        metrics, history = reading.metrics, self._frame.history
        data = viewmodel.charts(metrics, history, cost_by=_COSTS[self.cost_by])
        bounds = self.bounds()
        for name, chart in self.charts.items():
            chart.update(data[name], bounds=bounds)
        now_s = self._frame.fetched_at or time.time()
        said = {
            "tiles": tiles.render(viewmodel.tiles(metrics, history)),
            "providers": providers.render(metrics, history, reading.health),
            "timeline": timeline.render(
                reading.circuits, reading.failovers, now_s=now_s, seconds=SPANS[self.span]
            ),
            "models": tables.render_models(metrics),
            "events": timeline.render_events(reading.circuits, reading.failovers, now_s=now_s),
            "budgets": tables.render_budgets(reading.slo),
            "slow": tables.render_requests("Slow requests", "newest first", reading.slow),
            "failed": tables.render_requests("Failed requests", "newest first", reading.failed),
            "request": tables.render_request(self._chosen(reading)),
            "note": _note(metrics),
        }
        for name, html in said.items():
            show(self.blocks[name], html)
        self.blocks["request"].visible = bool(said["request"])
        self.blocks["note"].visible = bool(said["note"])

    def _chosen(self, reading: Reading) -> Any:
        entries = (*reading.failed, *reading.slow)
        return next((one for one in entries if one.get("id") == self.request), None)

    def requests(self) -> dict[str, str]:
        """What can be looked into: a label for each request, with its id."""
        reading = self._frame.reading
        entries = (*reading.failed, *reading.slow) if reading else ()
        found = {"Look into a request …": ""}
        for one in entries:
            words = "failed" if one.get("error") else "slow"
            took = units.duration(viewmodel.dig(one, "latency", "totalMs"))
            label = f"{str(one['time'])[11:19]} · {one['modelGroup']} · {words} · {took}"
            found[f"{label} · {str(one['id'])[:8]}"] = one["id"]
        return found

    def _style_blocks(self) -> None:
        half = {"flex": "1 1 480px", "min-width": "min(100%, 330px)"}
        for name in ("events", "slow", "failed", "budgets"):
            self.blocks[name].styles = half
        for name in ("banner", "request", "note"):
            self.blocks[name].visible = False


def _note(metrics: Any) -> str:
    window = metrics.get("window", {})
    if not viewmodel.dig(metrics, "requests", "total"):
        return (
            '<div class="card empty" role="status">No request yet. Send one through the proxy '
            "(<b>POST /v1/chat/completions</b>) and it appears here within seconds.</div>"
        )
    if window.get("basis") == "since_start":
        start = str(window.get("start", ""))[:16].replace("T", " ")
        return (
            f'<p class="muted" role="note">Numbers and tables are totals since {text(start)} UTC: '
            "the gateway keeps no history. Charts show what this dashboard has seen.</p>"
        )
    return ""


def _clock(at_s: float | None) -> str:
    return (
        time.strftime("%H:%M:%S UTC", time.gmtime(at_s)) if at_s is not None else "no reading yet"
    )


def build_page(store: Store) -> Any:
    """A page for one session."""
    dashboard = Dashboard(store)
    page = _without_leak(dashboard)
    page.param.watch(lambda e: dashboard.use(DARK if e.new else LIGHT), "dark_theme")
    dashboard.use(DARK if page.dark_theme else LIGHT)

    def begin() -> None:
        info = pn.state.browser_info
        theme = (pn.state.session_args.get("theme") or [b""])[0].decode()
        prefers = info.dark_mode if info is not None else None
        if theme == "light" or (not theme and prefers is False):
            page.dark_theme = False
        dashboard.start()

    if pn.state.location is not None:
        names = {
            "span": "range",
            "live": "live",
            "cost_by": "by",
            "request": "request",
            "zoom": "zoom",
        }
        pn.state.location.sync(dashboard, names)
    pn.state.onload(begin)
    pn.state.on_session_destroyed(lambda _: dashboard.stop())
    return page


def _without_leak(dashboard: Dashboard) -> Any:
    """The page, with its watcher on the process-wide state removed when the session ends.

    Page binds itself to ``state.busy`` and would keep every session's document for ever.
    """

    def watchers() -> list[Any]:
        return list(state._param__private.watchers.get("busy", {}).get("value", []))

    before = {id(one) for one in watchers()}
    page = _page(dashboard)
    ours = [one for one in watchers() if id(one) not in before]

    def release(_: Any) -> None:
        for one in ours:
            if one in watchers():
                state.param.unwatch(one)

    pn.state.on_session_destroyed(release)
    return page


def _page(dashboard: Dashboard) -> Any:
    blocks = dashboard.blocks
    blocks["status"].param.update(sizing_mode=None, align="center")
    spans = pmui.RadioButtonGroup.from_param(
        dashboard.param.span, label="", size="small", margin=(0, 8), align="center"
    )
    live = pmui.Switch.from_param(dashboard.param.live, label="Live", margin=(0, 8), align="center")
    return pmui.Page(
        title="LLM Gateway",
        header=[pn.Row(blocks["status"], spans, live, align="center", margin=(0, 0, 0, 24))],
        main=[_body(dashboard)],
        dark_theme=True,
        theme_toggle=True,
        sidebar_variant="temporary",  # a persistent one leaves its room empty when there is none
        sidebar_open=False,
        busy_indicator=None,
        theme_config=theme_config(),
    )


def _body(dashboard: Dashboard) -> Any:
    blocks = dashboard.blocks
    whole = pmui.Button(label="Whole range", size="small", variant="outlined", visible=False)
    whole.on_click(lambda _: setattr(dashboard, "zoom", ""))
    dashboard.param.watch(lambda e: setattr(whole, "visible", bool(e.new)), "zoom")
    cost_by = pmui.RadioButtonGroup.from_param(
        dashboard.param.cost_by, label="Cost by", size="small", margin=0
    )
    save = pn.widgets.FileDownload(
        callback=dashboard.csv, filename="gateway.csv", label="Charts as CSV", margin=0, height=32
    )
    look = pmui.Select(label="Look into a request", options=dashboard.requests(), margin=0)
    look.param.watch(lambda e: setattr(dashboard, "request", e.new or ""), "value")
    for name in ("failed", "slow"):
        blocks[name].param.watch(lambda _: _refresh(look, dashboard), "object")
    charts = [chart.view for chart in dashboard.charts.values()]
    for view in charts:
        view.stylesheets = [_CARD]
    tools = pn.FlexBox(cost_by, whole, save, gap="12px", align_items="end")
    return pn.Column(
        blocks["banner"],
        blocks["note"],
        blocks["tiles"],
        blocks["providers"],
        tools,
        _flex(*charts[:2]),
        _flex(*charts[2:5]),
        _flex(*charts[5:]),
        blocks["timeline"],
        blocks["models"],
        _flex(blocks["events"], blocks["failed"], blocks["slow"], blocks["budgets"]),
        look,
        blocks["request"],
        sizing_mode="stretch_width",
        margin=(12, 12),
        styles=_GRID,
    )


def _refresh(look: Any, dashboard: Dashboard) -> None:
    options = dashboard.requests()
    if dashboard.request and dashboard.request not in options.values():
        options[f"{dashboard.request[:8]} (no longer listed)"] = dashboard.request
    if look.options != options:
        look.param.update(options=options, value=dashboard.request)


def _flex(*views: Any) -> Any:
    return pn.FlexBox(
        *views,
        gap="12px",
        align_items="stretch",
        align_content="stretch",
        sizing_mode="stretch_width",
    )
