"""Bar charts by HoloViews, as pictures: Bokeh draws them in a browser that shows no window."""

import sys
from collections.abc import Mapping
from pathlib import Path

import holoviews as hv
from bokeh.embed import file_html
from bokeh.resources import INLINE
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.proxy.browsing import CHROMIUM, FLAGS  # noqa: E402

_WIDTH, _HEIGHT = 720, 300


def bar_chart(figures: Mapping[str, float], *, to: Path, title: str, budget: float) -> None:
    """Write one bar per figure with its value, and a line at *budget*, as PNG."""
    hv.extension("bokeh")
    rows = [(name, value, f"{value:.3f}") for name, value in figures.items()]
    bars = hv.Bars(rows, "callback", ["ms", "shown"]).opts(color="#1a73e8", ylabel="ms of CPU")
    ceiling = 1.15 * max(figures.values())
    values = hv.Labels(rows, ["callback", "ms"], "shown").opts(
        text_color="#202124", text_font_size="10pt", yoffset=0.04 * ceiling
    )
    limit = hv.HLine(budget).opts(color="#d93025", line_dash="dashed", line_width=1.5)
    chart = (bars * values * limit).opts(
        width=_WIDTH, height=_HEIGHT, title=title, xlabel="", ylim=(0, ceiling), toolbar=None
    )
    page = file_html(hv.render(chart), INLINE, title)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        view = browser.new_page(viewport={"width": _WIDTH + 20, "height": _HEIGHT + 20})
        view.set_content(page)
        view.wait_for_function("Bokeh.documents.length && Bokeh.documents[0].is_idle")
        view.screenshot(path=to)
        browser.close()
