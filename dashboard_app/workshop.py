"""Charts made ahead, so that a page that is opened need not wait for them."""

import asyncio
from collections import deque

from bokeh.models import Span

from dashboard_app.views.chart import Chart
from dashboard_app.views.spec import SPECS

Charts = dict[str, Chart]
_SPARE = 2
_REST_S = 1.0


def make_charts() -> Charts:
    """The charts of one page; their cross-hairs move together."""
    crosshair = Span(dimension="height", line_color="#93a0b4", line_width=1)
    return {spec.name: Chart(spec, crosshair=crosshair) for spec in SPECS}


class Workshop:
    """Keeps some sets of charts ready. A set is given away once."""

    def __init__(self, *, spare: int = _SPARE) -> None:
        self._ready: deque[Charts] = deque(make_charts() for _ in range(spare))
        self._spare = spare
        self._called = False

    def take(self) -> Charts:
        """A set that nobody has; another is made when the loop had some rest."""
        charts = self._ready.popleft() if self._ready else make_charts()
        self._refill_later()
        return charts

    def _refill_later(self) -> None:
        if not self._called and len(self._ready) < self._spare:
            self._called = True
            asyncio.get_running_loop().call_later(_REST_S, self._refill)

    def _refill(self) -> None:
        self._called = False
        self._ready.append(make_charts())
        self._refill_later()
