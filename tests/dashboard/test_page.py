import asyncio

import pytest
from bokeh.document import Document

from dashboard_app.page import Dashboard, build_page
from dashboard_app.store import Frame, Store
from dashboard_app.theme import LIGHT
from tests.dashboard.fake_gateway import NOW, FakeGateway, metrics


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def frame(gateway):
    reading = asyncio.run(gateway.read(window="15m", step_s=10))
    return Frame(reading=reading, history=gateway.body["history"], fetched_at=NOW.timestamp())


@pytest.fixture
def dashboard(gateway, caplog):
    yield Dashboard(Store(gateway))
    assert [] == [r.getMessage() for r in caplog.records if r.levelname in {"WARNING", "ERROR"}]


def html(dashboard, name) -> str:
    return dashboard.blocks[name].object


def test_a_reading_comes_onto_the_page(dashboard, frame):
    dashboard.apply(frame)

    assert "17.1k" in html(dashboard, "tiles")
    cards = html(dashboard, "providers")
    assert cards.index("openai") < cards.index("groq")
    assert "88.8–97.9%" in html(dashboard, "models")
    assert "cooldown" in html(dashboard, "events")
    assert "● live" in html(dashboard, "status")
    assert not dashboard.blocks["banner"].visible
    source = dashboard.charts["latency"]._lines[1].handles["source"]
    assert 90 == len(source.data["y"])
    hovered = dashboard.charts["latency"]._lines[2].handles["source"].data["said"]
    assert "p95: 40" == hovered[0].splitlines()[1]


def test_names_are_never_markup(dashboard, frame):
    dashboard.request = "r-1"
    dashboard.apply(frame)

    everything = "".join(pane.object for pane in dashboard.blocks.values())
    assert "<b>evil</b>" not in everything
    assert "<script>" not in everything
    assert "javascript:" not in everything


def test_ticks_make_nothing_new(dashboard, frame):
    dashboard.apply(frame)
    document = Document()
    for chart in dashboard.charts.values():
        document.add_root(chart.figure)
    before = {model.id for model in document.models}

    for _ in range(5):
        dashboard.apply(frame)

    assert before == {model.id for model in document.models}


def test_stale_and_back(dashboard, frame):
    dashboard.apply(frame)
    stale = Frame(
        reading=frame.reading, fetched_at=frame.fetched_at, error="The gateway answered HTTP 503"
    )

    dashboard.apply(stale)

    assert dashboard.blocks["banner"].visible
    assert "HTTP 503. Showing the last good reading" in html(dashboard, "banner")
    assert "17.1k" in html(dashboard, "tiles")
    dashboard.apply(frame)
    assert not dashboard.blocks["banner"].visible


def test_paused_nothing_moves(dashboard, frame, gateway):
    dashboard.apply(frame)
    dashboard.live = False
    gateway.body = metrics(requests=99)
    reading = asyncio.run(gateway.read(window="15m", step_s=10))

    dashboard.apply(Frame(reading=reading, fetched_at=NOW.timestamp() + 2))

    assert "17.1k" in html(dashboard, "tiles")
    assert "paused" in html(dashboard, "status")


def test_a_request_shows_where_its_time_went(dashboard, frame):
    dashboard.apply(frame)
    assert "r-1" in dashboard.requests().values()

    dashboard.request = "r-1"

    assert "✕ 1. openai · gpt-4o" in html(dashboard, "request")
    assert "Backoff" in html(dashboard, "request")


def test_a_brushed_span_fills_the_charts(dashboard, frame):
    dashboard.apply(frame)

    dashboard._brushed((1000_000.0, 1060_000.0))

    assert "1000-1060" == dashboard.zoom
    figure = dashboard.charts["latency"].figure
    assert (1000_000, 1060_000) == (figure.x_range.start, figure.x_range.end)
    dashboard.zoom = "nonsense"
    assert 900_000 == dashboard.bounds()[1] - dashboard.bounds()[0]


def test_without_requests_it_says_what_to_do(dashboard, gateway):
    gateway.body = metrics(requests=0, errors=0, history=False)
    reading = asyncio.run(gateway.read(window="15m", step_s=10))

    dashboard.apply(Frame(reading=reading, fetched_at=NOW.timestamp()))

    assert "POST /v1/chat/completions" in html(dashboard, "note")


def test_colours_change(dashboard, frame):
    dashboard.apply(frame)

    dashboard.use(LIGHT)

    assert ["light"] == dashboard.blocks["tiles"].css_classes
    assert LIGHT.card == dashboard.charts["cost"].figure.background_fill_color


def test_csv_has_every_point(dashboard, frame):
    dashboard.apply(frame)

    lines = dashboard.csv().read().splitlines()

    assert "time_ms,series,value" == lines[0]
    assert any(line.endswith(',"p95",40.0') for line in lines)


def test_a_built_page(gateway):
    page = build_page(Store(gateway))

    assert "LLM Gateway" == page.title


def test_a_range_in_the_address_watches_nothing_yet(gateway):
    """
    Another page that is open does not make this one watch before its browser has come.
    """
    store = Store(gateway)
    Dashboard(store).start()
    Dashboard(store).span = "1h"

    assert 1 == store.watchers


def test_only_the_line_that_has_the_text_is_hovered(dashboard, frame):
    dashboard.apply(frame)

    for chart in dashboard.charts.values():
        for renderer in chart._tooltip.renderers if chart.data.series else ():
            assert "said" in renderer.data_source.data
