"""A frame as it stands on the page: the HTML of every block and the data of every chart.

Pages that watch the same view share one picture, so that a tick of a page only writes.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard_app import series, summary
from dashboard_app.narrow import narrowed
from dashboard_app.store import Frame
from dashboard_app.view import View
from dashboard_app.views import components, notes, providers, tables, tiles, timeline
from dashboard_app.views.plotted import Plotted, plot

COSTS = {"Model": "byModel", "Provider": "byProvider", "Team": "byTeam", "Tag": "byTag"}
_KEPT = 12
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a page chose beside its view."""

    cost_by: str = "Model"
    request: str = ""
    compare: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """*blocks* by name, an empty one is not shown; *charts* by name."""

    blocks: dict[str, str]
    charts: dict[str, Plotted] = field(default_factory=dict)


def draw(frame: Frame, view: View, choice: Choice) -> Picture:
    """What *frame* looks like in *view*."""
    reading = frame.reading
    if reading is None:
        return Picture(blocks={"tiles": notes.waiting(frame.error)})
    metrics, history = narrowed(reading.metrics, frame.history, view)
    now_s = frame.fetched_at or 0.0
    circuits = {
        name: [one for one in reading.circuits.get(name) or () if view.lets_through(one)]
        for name in ("circuits", "changes")
    }
    failovers = [f for f in reading.failovers if view.lets_through(f["from"])]
    failed = [one for one in reading.failed if view.lets_through(one)]
    slow = [one for one in reading.slow if view.lets_through(one)]
    data = series.charts(
        metrics,
        history,
        cost_by=COSTS[choice.cost_by],
        narrowed=bool(view.filters and not reading.metrics.get("filter")),
    )
    return Picture(
        charts={name: plot(name, one) for name, one in data.items()},
        blocks={
            "note": notes.note(metrics, view),
            "tiles": tiles.render(summary.tiles(metrics, history)),
            "providers": providers.render(metrics, history, reading.health),
            "timeline": timeline.render(circuits, failovers, now_s=now_s, seconds=view.seconds),
            "models": tables.render_models(metrics),
            "compare": tables.render_comparison(metrics, choice.compare),
            "events": timeline.render_events(circuits, failovers, now_s=now_s),
            "budgets": tables.render_budgets(reading.slo),
            "health": components.render(reading.health),
            "slow": tables.render_requests("Slow requests", "newest first", slow),
            "failed": tables.render_requests("Failed requests", "newest first", failed),
            "failovers": tables.render_failovers(failovers),
            "request": tables.render_request(_chosen(reading, choice), wanted=choice.request),
        },
    )


def _chosen(reading: Any, choice: Choice) -> Json | None:
    entries = (*reading.failed, *reading.slow)
    return next((one for one in entries if one["id"] == choice.request), None)


class Gallery:
    """The last pictures drawn."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[tuple[Any, ...], tuple[Frame, Picture]] = OrderedDict()

    def picture(self, frame: Frame, view: View, choice: Choice) -> Picture:
        """The picture, drawn once for a frame, view and choice."""
        key = (id(frame), view, choice)
        found = self._pictures.get(key)
        if found is None or found[0] is not frame:
            found = (frame, draw(frame, view, choice))
            self._pictures[key] = found
            while len(self._pictures) > _KEPT:
                self._pictures.popitem(last=False)
        return found[1]
