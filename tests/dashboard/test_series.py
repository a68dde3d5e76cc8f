import numpy as np
import pytest

from dashboard_app import series, summary, units
from dashboard_app.trail import Trail
from dashboard_app.views.plotted import outlines
from dashboard_app.views.timeline import open_spans
from tests.dashboard.fake_gateway import metrics


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (units.count(None), "—"),
        (units.count(982), "982"),
        (units.count(17_123), "17.1k"),
        (units.count(25_130_000), "25.1M"),
        (units.money(0), "$0.00"),
        (units.money(1234.5), "$1,234.50"),
        (units.money(0.00123), "$0.0012"),
        (units.money(-2), "−$2.00"),
        (units.difference_of_cost(0.0006), "$0.0006 added"),
        (units.difference_of_cost(-0.0006), "$0.0006 saved"),
        (units.duration(3.14), "3.1 ms"),
        (units.duration(462), "462 ms"),
        (units.duration(1210), "1.21 s"),
        (units.percent(0.98257), "98.26%"),
        (units.age(5), "5 s"),
        (units.age(600), "10 min"),
    ],
)
def test_numbers_as_people_read_them(said, expected):
    assert expected == said


@pytest.mark.parametrize("unit", [units.count, units.money, units.duration, units.percent])
def test_what_is_not_known_is_no_zero(unit):
    assert "—" == unit(None)


def test_tiles():
    found = {tile.label: tile for tile in summary.tiles(metrics(), None)}

    assert "17.1k" == found["Requests"].value
    assert "98.26%" == found["Success rate"].value
    assert "warn" == found["Success rate"].tone
    assert "▼ 1.35 pp" == found["Success rate"].change
    assert "◐ Degraded" == found["Status"].value
    assert "Circuit open: openai · 1 of 2 providers healthy" == found["Status"].detail


def test_what_the_gateway_leaves_out_is_unknown():
    body = metrics(requests=0, errors=0, history=False)
    del body["rates"], body["failover"]

    found = {tile.label: tile for tile in summary.tiles(body, None)}
    charts = series.charts(body, None, cost_by="byModel")

    assert "—" == found["Success rate"].value
    assert set(series.NAMES) == set(charts)
    assert all(chart.note and not chart.series for chart in charts.values())


def test_charts():
    body = metrics()
    charts = series.charts(body, body["history"], cost_by="byModel")

    failed, succeeded = charts["volume"].series
    assert 0.1 == failed.values[0]
    assert pytest.approx(3.9) == succeeded.values[0]
    assert succeeded.values[30] is None
    assert ["m6", "m5", "m4", "m3", "other"] == [s.name for s in charts["cost"].series]
    assert 3.0 == charts["cost"].series[-1].values[0]
    assert "Over time only with the gateway's history" == charts["speed"].note


def test_a_layer_ends_at_a_gap_and_begins_anew():
    t, zero, top = np.arange(4.0), np.zeros(4), np.array([1.0, 2.0, 0.0, 4.0])

    x, y = outlines(t, zero, top, known=np.array([True, True, False, True]))

    assert [[[0, 1, 1, 0]], [[3, 3]]] == [[ring.tolist() for ring in part] for part in x]
    assert [[[1, 2, 0, 0]], [[4, 0]]] == [[ring.tolist() for ring in part] for part in y]


class TestTrail:
    def test_growth_of_each_step(self):
        trail = Trail()
        for i in range(4):
            trail.add(metrics(requests=100 * i, errors=i, history=False), at=1000 + i * 10)

        found = trail.history(seconds=900, step_s=10, now=1030)

        assert [100, 100, 100] == found["requests"]
        assert [1, 1, 1] == found["errorsByType"]["timeout"]

    def test_gaps_and_new_beginnings_are_unknown(self):
        trail = Trail()
        for at, requests in ((1000, 10), (1010, 20), (1100, 30), (1110, 5)):
            trail.add(metrics(requests=requests, errors=0, history=False), at=at)

        assert [10, None, None] == trail.history(seconds=900, step_s=10, now=1110)["requests"]

    def test_one_reading_is_no_history(self):
        trail = Trail()
        trail.add(metrics(history=False), at=1000)

        assert trail.history(seconds=900, step_s=10, now=1000) is None


def test_spans_of_an_open_circuit():
    def change(state: str, second: int) -> dict:
        return {"state": state, "time": f"1970-01-01T00:00:{second:02}Z", "reason": "cooldown"}

    changes = [change("open", 1), change("open", 2), change("closed", 5), change("open", 8)]

    found = open_spans({"state": "open"}, changes, end=10_000)

    assert [(1000, 5000, "cooldown"), (8000, 10_000, "cooldown")] == found
