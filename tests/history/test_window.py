"""The JSON of a window, built from history: in steps, against the window before."""

import math

import pytest

from litellm_obs_plugin.gateway_api.query import MetricsQuery, parse_interval, parse_query
from litellm_obs_plugin.gateway_api.window import Surroundings, build_window
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch

AROUND = Surroundings(circuit_changes=(), providers={})


def build(house, **asked):
    query = MetricsQuery(**asked)
    return build_window(house.fleet.read(), house.archive, query, AROUND)


def test_steps_add_up_to_the_window(house):
    values = [0.25 * (1 + n % 7) for n in range(40)]
    for n, value in enumerate(values):
        house.count(value)
        house.sleep(10)
        if n != 20:
            house.write()

    found = build(house, window_s=900.0, step_s=30)
    history = found.history

    assert found.window.basis == "history"
    assert found.requests.total == 40
    assert sum(n for n in history.requests if n is not None) == 40
    assert math.isclose(math.fsum(u for u in history.cost_usd if u is not None), found.costs.total)
    assert history.step_seconds == 30
    assert len(history.t) == len(history.p95)
    assert None in history.requests


def test_one_step_has_the_sketch_s_own_quantile(house):
    house.write()
    values = [0.1, 0.2, 0.4, 1.7, 3.0]
    house.count(*values)
    house.sleep(5)

    history = build(house, window_s=900.0, step_s=900).history

    exact = Sketch.of(SECONDS, values)
    for line, quantile in ((history.p50, 0.5), (history.p95, 0.95), (history.p99, 0.99)):
        (known,) = [p for p in line if p is not None]
        assert known == pytest.approx(exact.get_quantile_value(quantile) * 1000, rel=0.0109)


def test_change_against_the_window_before(house):
    for count in (2, 4):
        for _ in range(30):
            house.count(*[0.5] * count)
            house.sleep(10)
            house.write()

    change = build(house, window_s=280.0).change

    assert change.requests.previous > 0
    assert change.requests.ratio == pytest.approx(1.0, abs=0.15)
    assert build(house, window_s=86_400.0).change is None


def test_without_history_the_numbers_are_since_the_start(house):
    house.count(0.5)

    found = build_window(house.fleet.read(), None, MetricsQuery(step_s=10), AROUND)

    assert found.window.basis == "since_start"
    assert found.history is None
    assert found.requests.total == 1


def test_queries():
    asked = parse_query(since="2026-01-31T12:00:00Z", until="2026-01-31T13:00:00+00:00", step="1s")

    assert asked.window_s == 3600
    assert asked.step_s == 10
    assert parse_query(window="30d", step="10s").step_s == 2600
    assert parse_interval(None) == 2
    assert parse_interval("5m") == 300


@pytest.mark.parametrize(
    "bad",
    [
        {"since": "yesterday"},
        {"since": "2026-01-31T12:00:00"},
        {"until": "x"},
        {"step": "0s"},
        {"since": "2026-01-31T12:00:00Z", "window": "1h"},
        {"since": "2026-01-31T12:00:00Z", "until": "2026-01-31T12:00:00Z"},
    ],
)
def test_bad_queries_name_their_field(bad):
    with pytest.raises(ValueError, match=rf"^({'|'.join(bad)}): expected "):
        parse_query(**bad)
    with pytest.raises(ValueError, match="interval"):
        parse_interval("1d")
