"""The page of one session: its roots, its address, and when it begins to watch."""

from typing import Any

import panel as pn

from dashboard_app import shell
from dashboard_app.dashboard import Dashboard
from dashboard_app.picture import Gallery
from dashboard_app.store import Store
from dashboard_app.workshop import Charts

ADDRESS = {
    "span": "range",
    "live": "live",
    "cost_by": "by",
    "model": "model",
    "provider": "provider",
    "team": "team",
    "compare_a": "a",
    "compare_b": "b",
    "request": "request",
    "zoom": "zoom",
}
_FIRST = ("note", "tiles", "providers")
_TITLE = "LLM Gateway"


def build_page(
    store: Store, *, gallery: Gallery | None = None, charts: Charts | None = None
) -> Any:
    """A page for one session: adds the head to the session's document, returns the rest."""
    dashboard = Dashboard(store, gallery=gallery, charts=charts)
    location = pn.state.location
    if location is not None:
        location.sync(dashboard, ADDRESS, on_error=dashboard.take_each)
    dashboard.peek()
    pn.state.onload(dashboard.start)
    pn.state.on_session_destroyed(lambda _: dashboard.stop())
    body = _body(dashboard)
    document = pn.state.curdoc
    if document is not None:
        head = _head(dashboard)
        head.server_doc(document, title=_TITLE, location=False)
        first = "".join(dashboard.blocks[name].object for name in _FIRST)
        shell.dress(document, first_paint=first)
    return body


def _head(dashboard: Dashboard) -> Any:
    wish = pn.widgets.TextInput(visible=False, tags=["wish"])
    wish.param.watch(lambda event: dashboard.ask(event.new), "value")
    blocks = dashboard.blocks
    blocks["status"].sizing_mode = blocks["controls"].sizing_mode = None
    bar = pn.FlexBox(
        blocks["controls"],
        blocks["status"],
        sizing_mode="stretch_width",
        gap="6px 14px",
        align_items="center",
        justify_content="space-between",
    )
    return pn.Column(bar, wish, name="controls", sizing_mode="stretch_width", margin=0)


def _body(dashboard: Dashboard) -> Any:
    blocks = dashboard.blocks
    charts = [chart.view for chart in dashboard.charts.values()]
    return pn.Column(
        blocks["banner"],
        blocks["note"],
        blocks["request"],
        blocks["tiles"],
        blocks["providers"],
        blocks["tools"],
        blocks["zoomed"],
        _flex(*charts[:2]),
        _flex(*charts[2:5]),
        _flex(*charts[5:]),
        blocks["timeline"],
        blocks["models"],
        blocks["compare"],
        _flex(blocks["failed"], blocks["slow"]),
        _flex(blocks["failovers"], blocks["events"]),
        _flex(blocks["budgets"], blocks["health"]),
        name="live",
        sizing_mode="stretch_width",
        margin=0,
        styles={"gap": "12px"},
    )


def _flex(*views: Any) -> Any:
    for view in views:
        if "flex" not in view.styles:
            view.styles = {"flex": "1 1 400px", "min-width": "min(100%, 330px)"}
        view.styles = {**view.styles, "align-self": "stretch"}  # Panel's own is flex-start
    return pn.FlexBox(
        *views,
        gap="12px",
        align_items="stretch",
        align_content="stretch",
        sizing_mode="stretch_width",
    )
