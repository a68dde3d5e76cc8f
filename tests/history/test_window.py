"""The JSON of a window, built from history: in steps, against the window before."""

import math

import pytest

from litellm_obs_plugin.gateway_api.query import (
    MetricsQuery,
    parse_filters,
    parse_interval,
    parse_query,
)
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


class TestFilters:
    """A part of the traffic, in totals and in steps: what cannot be told is None."""

    @pytest.fixture
    def mixed(self, house):
        """Six attempts of two models, four of them of one provider; two teams, two tags."""
        count = house.recorder.count
        for n, (provider, model) in enumerate([("openai", "big"), ("openai", "mini")] * 2):
            count("attempts_total", "chat", provider, model, "success", "")
            count("tokens_total", "chat", provider, model, "input", value=100.0)
            count("cost_usd_total", "chat", provider, model, "input", value=0.25)
            count("provider_duration_seconds", provider, model, "false", value=0.5 + n % 2)
        for kind in ("timeout", "bad_request"):
            count("attempts_total", "chat", "mistral", "large", "error", kind)
        for team, usd in (("blue", 1.0), ("red", 2.0)):
            count("requests_by_team_total", team, "success")
            count("cost_usd_by_team_total", team, value=usd)
            count("tokens_by_team_total", team, value=300.0)
        for tag in ("eu", "batch"):
            count("requests_by_tag_total", tag, "error")
            count("cost_usd_by_tag_total", tag, value=3.0)
        house.count(7.0)
        house.sleep(10)
        house.write()
        return house

    def part(self, house, **given):
        filters = parse_filters(**{name: values.split() for name, values in given.items()})
        return build(house, window_s=900.0, step_s=900, filters=filters)

    def test_a_model(self, mixed):
        found = self.part(mixed, model="big")

        assert (2, 2, 0, 1.0) == (
            found.requests.total,
            found.requests.success,
            found.requests.error,
            found.requests.success_rate,
        )
        assert found.latency.p95 == pytest.approx(500, rel=0.0109)
        assert (0.5, {"big": 0.5}) == (found.costs.total, found.costs.by_model)
        assert 200 == found.tokens.total
        assert ["big"] == [row.model for row in found.models]
        assert [2.0] == [n for n in found.history.requests if n is not None]
        assert {"big"} == found.history.by_model.keys()
        assert {"openai"} == found.history.by_provider.keys()
        assert [0.5] == [n for n in found.history.cost_usd if n is not None]
        assert "attempts" == found.filter.counts

    def test_what_a_model_does_not_tell(self, mixed):
        found = self.part(mixed, model="big")

        assert (None, None, None) == (found.costs.by_team, found.failover, found.cache_savings)
        assert (None, None) == (found.errors.by_source, found.overhead.gateway.p50)
        assert {None} == set(found.history.overhead_p50) == set(found.history.failovers)
        assert (None, None) == (found.history.by_team, found.history.by_tag)

    def test_values_of_a_dimension_add_up(self, mixed):
        assert 4 == self.part(mixed, model="big mini").requests.total
        assert 0 == self.part(mixed, model="big", provider="mistral").requests.total

    def test_a_provider(self, mixed):
        found = self.part(mixed, provider="mistral")

        assert (2, 0, 2) == (found.requests.total, found.requests.success, found.requests.error)
        assert {"timeout": 1, "bad_request": 1} == found.errors.by_type
        assert 0.0 == found.requests.success_rate  # a bad request is not the provider's failure
        assert None is found.latency.p95
        assert {"timeout", "bad_request"} == found.history.errors_by_type.keys()

    def test_a_team(self, mixed):
        found = self.part(mixed, team="red")

        assert (1, 1, 2.0, 300) == (
            found.requests.total,
            found.requests.success,
            found.costs.total,
            found.tokens.total,
        )
        assert {"red": 2.0} == found.costs.by_team
        assert (None, None, None) == (found.latency.p95, found.models, found.tokens.input)
        assert {None} == set(found.history.p95) == set(found.history.tokens_in)
        assert [1.0] == [n for n in found.history.requests if n is not None]
        assert {"red"} == found.history.by_team.keys()

    def test_two_tags_have_no_total(self, mixed):
        """A request with both would count twice."""
        found = self.part(mixed, tag="eu batch")

        assert (None, None, None) == (found.requests.total, found.costs.total, found.tokens.total)
        assert {"eu": 3.0, "batch": 3.0} == found.costs.by_tag
        assert {"eu", "batch"} == found.history.by_tag.keys()
        assert {None} == set(found.history.requests)

    def test_a_model_of_a_team_is_not_told(self, mixed):
        found = self.part(mixed, team="red", model="big")

        assert (None, None, None) == (found.requests.total, found.costs.total, found.models)
        assert None is found.filter.counts
        assert {None} == set(found.history.requests)

    @pytest.mark.parametrize("name", ["model", "provider", "team", "key", "tag"])
    def test_a_value_that_never_came(self, mixed, name):
        found = self.part(mixed, **{name: "';--"})

        assert (0, 0, 0.0) == (found.requests.total, found.tokens.total, found.costs.total)
        assert [0.0] == [n for n in found.history.requests if n is not None]

    def test_the_same_without_history(self, mixed):
        query = MetricsQuery(filters=parse_filters(team=["red"]))
        found = build_window(mixed.fleet.read(), None, query, AROUND)

        assert (1, None) == (found.requests.total, found.latency.p95)
