import asyncio
import json
import time

import pytest
from bokeh.document import Document
from panel.io.location import Location
from panel.io.state import set_curdoc

from dashboard_app import page
from dashboard_app.dashboard import Dashboard
from dashboard_app.page import build_page
from dashboard_app.store import Frame, Store
from dashboard_app.theme import LIGHT
from dashboard_app.view import View
from tests.dashboard.fake_gateway import NOW, FakeGateway, metrics, model


@pytest.fixture
def gateway():
    return FakeGateway()


@pytest.fixture
def frame(gateway):
    reading = asyncio.run(gateway.read(View()))
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
    drawn = {
        part.name: part.data_source.data for part in dashboard.charts["latency"].figure.renderers
    }
    assert [90, 90, 90] == [len(values) for values in drawn["lines"]["ys"]]
    assert "p95 <b>40 ms</b>" in drawn["hover"]["said"][0]


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
    reading = asyncio.run(gateway.read(View()))

    dashboard.apply(Frame(reading=reading, fetched_at=NOW.timestamp() + 2))

    assert "17.1k" in html(dashboard, "tiles")
    assert "paused" in html(dashboard, "status")


def test_a_request_shows_where_its_time_went(dashboard, frame):
    dashboard.apply(frame)
    assert 'data-set="request" data-value="r-1"' in html(dashboard, "failed")
    assert not dashboard.blocks["request"].visible

    dashboard.ask('{"set": "request", "value": "r-1"}')

    assert "✕ 1. openai · gpt-4o" in html(dashboard, "request")
    assert "Backoff" in html(dashboard, "request")


def test_a_brushed_span_fills_the_charts(dashboard, frame):
    dashboard.apply(frame)

    start = int(time.time()) - 600

    dashboard._brushed((start * 1000.0, (start + 60) * 1000.0))

    assert f"{start}-{start + 60}" == dashboard.zoom
    figure = dashboard.charts["latency"].figure
    assert (start * 1000, (start + 60) * 1000) == (figure.x_range.start, figure.x_range.end)
    for wrong in ("nonsense", "²-³", f"1-{10**30}", "60-60"):
        dashboard.zoom = wrong
        assert 900_000 == dashboard.bounds()[1] - dashboard.bounds()[0]


def test_without_requests_it_says_what_to_do(dashboard, gateway):
    gateway.body = metrics(requests=0, errors=0, history=False)
    reading = asyncio.run(gateway.read(View()))

    dashboard.apply(Frame(reading=reading, fetched_at=NOW.timestamp()))

    assert "POST /v1/chat/completions" in html(dashboard, "note")


def test_colours_change(dashboard, frame):
    dashboard.apply(frame)

    dashboard.ask('{"set": "theme", "value": "light"}')

    assert LIGHT.muted == dashboard.charts["cost"].figure.xaxis[0].major_label_text_color


def test_csv_has_every_point(dashboard, frame):
    dashboard.apply(frame)

    lines = dashboard.csv().read().splitlines()

    assert "time_ms,series,value" == lines[0]
    assert any(line.endswith(',"p95",40.0') for line in lines)


def test_a_built_page_shows_what_is_known_already(gateway):
    store = Store(gateway)
    asyncio.run(store.poll_once(View()))
    document = Document()
    with set_curdoc(document):
        build_page(store).server_doc(document)

    assert "17.1k" in document.template_variables["first_paint"]
    assert {"controls", "live"} <= {root.name for root in document.roots}


def test_filters_leave_only_what_they_let_through(dashboard, frame):
    dashboard.ask('{"set": "provider", "value": "groq"}')
    dashboard.apply(frame)

    assert "Provider groq" in html(dashboard, "providers")
    assert "Provider openai" not in html(dashboard, "providers")
    assert "cooldown" not in html(dashboard, "events")
    assert "17.1k" not in html(dashboard, "tiles")
    assert "Only provider <b>groq</b>" in html(dashboard, "note")
    dashboard.ask('{"set": "filters", "value": {}}')
    dashboard.apply(frame)
    assert "17.1k" in html(dashboard, "tiles")


def test_quick_wishes_come_together_and_none_twice(dashboard):
    """The browser tells the last ones each time: of two messages only the second may arrive."""
    first = {"set": "span", "value": "1h", "at": 1}
    dashboard.ask(json.dumps({"wishes": [first, {"set": "provider", "value": "groq", "at": 2}]}))
    assert ("1h", "groq") == (dashboard.span, dashboard.provider)

    third = {"set": "span", "value": "6h", "at": 3}
    dashboard.ask(json.dumps({"wishes": [first, third]}))
    dashboard.ask(json.dumps({"wishes": [first, third]}))
    assert "6h" == dashboard.span


@pytest.mark.parametrize(
    "wish", ["{", "[]", '{"set": "span", "value": "9y"}', '{"set": "live", "value": "no"}']
)
def test_a_wish_that_cannot_be_granted_changes_nothing(gateway, wish):
    dashboard = Dashboard(Store(gateway))

    dashboard.ask(wish)

    assert ("15m", True) == (dashboard.span, dashboard.live)


def test_one_bad_word_in_a_link_does_not_cost_the_others(gateway):
    dashboard = Dashboard(Store(gateway))
    location = Location(search="?range=9y&by=Nothing&live=maybe&team=2024&model=chat&zoom=7")

    location.sync(dashboard, page.ADDRESS, on_error=dashboard.take_each)

    assert ("15m", True, "Model") == (dashboard.span, dashboard.live, dashboard.cost_by)
    assert ("2024", "chat") == (dashboard.team, dashboard.model)


def test_a_zoom_into_the_past_asks_for_a_range_that_covers_it(dashboard, frame):
    now = int(time.time())

    dashboard.ask(json.dumps({"set": "zoom", "value": f"{now - 9000}-{now - 8000}"}))

    assert "6h" == dashboard.span
    assert "Whole range" in html(dashboard, "zoomed")


def test_two_models_side_by_side(dashboard, gateway):
    gateway.body["models"] = [
        {**model("a", cost=1.0), "successRate": 0.9},
        {**model("b", cost=2.0), "successRate": 0.8},
    ]
    reading = asyncio.run(gateway.read(View()))
    dashboard.apply(Frame(reading=reading, fetched_at=NOW.timestamp()))

    dashboard.param.update(compare_a="a", compare_b="b")

    assert "✓ 90.00%</td><td>80.00%" in html(dashboard, "compare")


def test_a_range_in_the_address_watches_nothing_yet(gateway):
    """
    Another page that is open does not make this one watch before its browser has come.
    """
    store = Store(gateway)
    Dashboard(store).start()
    Dashboard(store).span = "1h"

    assert 1 == store.watchers
