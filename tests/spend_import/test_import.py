"""History before the plugin, of a real PostgreSQL with LiteLLM's own table: what it held, once."""

from __future__ import annotations

import io
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
from rich.console import Console

from litellm_obs_plugin.gateway_api.query import parse_query
from litellm_obs_plugin.gateway_api.window import Surroundings, build_window
from litellm_obs_plugin.history.keeper import NAME
from litellm_obs_plugin.history.level import HOUR_S
from litellm_obs_plugin.history.past_hours import PastHours
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.spend_import.command import ImportProblemError, import_spend_logs
from tests.history.house import KEEP_S, START, House
from tests.spend_import.litellm_table import TEAMS, Line, generate, insert, make_table

pytestmark = pytest.mark.peers

DAY_S = 24.0 * HOUR_S
PRICED = {"input_cost_per_token": 1e-6}


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path / "state")
    (made.directory / NAME).write_text(made.name)
    yield made
    made.stop()


@pytest.fixture
def address(postgres) -> str:
    made = postgres.address(postgres.make_database())
    make_table(made)
    return made


def bring(house: House, address: str, **how):
    told = io.StringIO()
    given = {
        "url": address,
        "directory": house.directory,
        "keep_s": KEEP_S,
        "max_series": 500,
        "since": None,
        "until": None,
        "dry": False,
        "price_of": lambda key: PRICED,
        "console": Console(file=told, width=200),
        "clock": lambda: house.now,
    }
    total = import_spend_logs(**{**given, **how})
    return total, told.getvalue()


def check(house: House, lines: list[Line], *, own: int) -> None:
    """The history holds *lines*, and what the plugin counted itself."""
    past = house.read(30 * DAY_S)
    window = past.snapshot(house.fleet.read())
    answered = [one for one in lines if one.outcome == "success"]
    for outcome in ("success", "error", "rejected", "cache_hit"):
        expected = sum(one.outcome == outcome for one in lines) + own * (outcome == "success")
        assert window.total("requests_total", outcome=outcome) == expected, outcome
    for model in {one.model for one in lines}:
        mine = [one for one in answered if one.model == model]
        usd = math.fsum(one.usd for one in mine)
        assert window.total("cost_usd_total", model=model) == pytest.approx(usd, rel=1e-9)
        called = [one for one in lines if one.model == model and one.tokens]
        assert window.total("tokens_total", model=model) == sum(one.tokens for one in called)
        cached = sum(one.cached for one in called)
        assert window.total("tokens_total", model=model, type="cached_input") == cached
    for team, alias in TEAMS.items():
        usd = math.fsum(one.usd for one in answered if one.team == team)
        if alias:
            assert window.total("cost_usd_by_team_total", team=alias) == pytest.approx(usd)
    for tag in ("prod", "batch", "eval"):
        tagged = sum(tag in one.tags for one in lines)
        assert window.total("requests_by_tag_total", tag=tag) == tagged
    durations = [one.ended_at - one.started_at for one in answered] + [0.5] * own
    expected = Sketch.of(SECONDS, durations)
    found = window.sketch("request_duration_seconds", outcome="success")
    assert found.count == expected.count
    assert found.get_quantile_value(0.9) == pytest.approx(expected.get_quantile_value(0.9), 0.03)
    first_tokens = window.sketch("time_to_first_token_seconds")
    streams = sum(one.first_at is not None for one in lines)
    assert (first_tokens.count if first_tokens else 0) == streams


def count_on(house: House, seconds: float, step_s: float = 10.0) -> int:
    """Time goes on, with a request in each step; how many that were."""
    steps = int(seconds // step_s)
    for _ in range(steps):
        house.count(0.5)
        house.sleep(step_s)
        house.write()
    return steps


@pytest.mark.parametrize("age_s", [20.0, 200.0, 2.0 * HOUR_S, 9.0 * DAY_S])
def test_the_past_is_filled_in_once(house, address, age_s):
    """
    Whether our own rows are young or summed up: totals are both books', also when time goes on.
    """
    chance = random.Random(7)
    before = generate(chance, start=START - 9 * DAY_S, end=START, count=1500)
    before += generate(chance, start=START - HOUR_S, end=START - 0.001, count=300)
    after = generate(chance, start=START, end=START + age_s, count=200)
    insert(address, before)
    insert(address, after, prefix="after")
    own = count_on(house, 10.0)
    own += count_on(house, age_s - 10.0, step_s=10.0 if age_s < DAY_S else 1800.0)

    dry, said = bring(house, address, dry=True)
    assert (dry.requests, "Would import 1,800 requests" in said) == (1800, True)
    check(house, [], own=own)
    total, said = bring(house, address)
    assert total == dry
    assert "Imported 1,800 requests" in said
    check(house, before, own=own)
    again, _ = bring(house, address)
    assert again.requests == 0
    check(house, before, own=own)

    own += count_on(house, 2.2 * HOUR_S, step_s=60.0)
    check(house, before, own=own)
    assert bring(house, address)[0].requests == 0
    house.restart()
    check(house, before, own=own)


def test_the_answer_of_the_window(house, address):
    """
    Steps, models and costs of days ago, as the JSON tells them; an hour without a row is a gap.
    """
    chance = random.Random(3)
    lines = generate(chance, start=START - 50 * HOUR_S, end=START - 40 * HOUR_S, count=400)
    lines += generate(chance, start=START - 20 * HOUR_S, end=START, count=600)
    insert(address, lines)
    own = count_on(house, 60)
    bring(house, address)

    query = parse_query(window="3d", step="1h")
    around = Surroundings(circuit_changes=(), providers={})
    found = build_window(house.fleet.read(), house.archive, query, around)
    assert found.requests.total == len(lines) + own
    assert found.window.basis == "history"
    assert 30 / 72 < found.window.coverage < 33 / 72
    steps = found.history.requests
    assert sum(n for n in steps if n is not None) == len(lines) + own
    assert 38 < sum(n is None for n in steps) < 42
    usd = math.fsum(one.usd for one in lines)
    priced = math.fsum(v / 7 for v in [0.5] * own)
    assert found.costs.total == pytest.approx(usd + priced, rel=1e-9)


def test_an_import_that_is_interrupted_goes_on(house, address, monkeypatch):
    """
    It ends between an hour's rows and their commit.
    """
    lines = generate(random.Random(5), start=START - 2 * DAY_S, end=START, count=500)
    insert(address, lines)
    own = count_on(house, 60)
    left, finish = iter(range(20)), PastHours._raise_ready

    def break_off(*given):
        if next(left, None) is None:
            raise KeyboardInterrupt
        finish(*given)

    monkeypatch.setattr(PastHours, "_raise_ready", break_off)
    with pytest.raises(KeyboardInterrupt):
        bring(house, address)
    monkeypatch.undo()
    total, said = bring(house, address)
    assert 0 < total.requests < 500
    assert "(20 hours are)" in said
    check(house, lines, own=own)


def test_an_import_that_is_killed_goes_on(house, address, wait_for):
    lines = generate(random.Random(6), start=START - 10 * DAY_S, end=START, count=2500)
    insert(address, lines)
    own = count_on(house, 60)
    command = [sys.executable, "-m", "tests.spend_import.importer"]
    arguments = [address, str(house.directory), str(house.now)]
    process = subprocess.Popen([*command, *arguments])

    def hours() -> int:
        with sqlite3.connect(house.directory / "history.sqlite") as connection:
            query = "SELECT count(*) FROM litellm_obs_import_hour"
            (count,) = connection.execute(query).fetchone()
        connection.close()
        return count

    wait_for(lambda: hours() > 5, timeout_s=60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 5 < hours() < 240
    bring(house, address)
    check(house, lines, own=own)


def test_a_part_and_then_the_rest(house, address):
    lines = generate(random.Random(8), start=START - 3 * DAY_S, end=START, count=500)
    insert(address, lines)
    own = count_on(house, 60)
    part, _ = bring(house, address, since="2025-06-14T00:00:00Z", until="2025-06-15T00:00:00Z")
    assert 0 < part.requests < 500
    assert bring(house, address)[0].requests == 500 - part.requests
    check(house, lines, own=own)


def _closed(address: str) -> str:
    return address.replace(address.rsplit(":", 1)[1].split("/")[0], "1")


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "kind": (lambda address: "mysql://u:geheim@host/db", "expected a URL such as"),
    "password": (lambda address: "postgresql://u:ge#heim@host/db", "expected a URL such as"),
    "port": (_closed, "does not answer"),
    "table": (lambda address: address.rsplit("/", 1)[0] + "/postgres", "there is no table"),
    "database": (lambda address: address.rsplit("/", 1)[0] + "/absent", "does not exist"),
    "user": (lambda address: address.replace("t@", "nobody_here:geheim@"), "nobody_here"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said(house, address, kind):
    count_on(house, 20)
    url_of, expected = WRONG[kind]
    with pytest.raises(ImportProblemError, match=expected) as problem:
        bring(house, url_of(address))
    assert "heim" not in str(problem.value)


def test_a_table_that_may_not_be_read(house, address):
    count_on(house, 20)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN")
    with pytest.raises(ImportProblemError, match="'stranger' may not read"):
        bring(house, address.replace("t@", "stranger:geheim@") + "?connection_limit=5")


def test_a_proxy_that_has_not_begun(house, address, tmp_path):
    with pytest.raises(ImportProblemError, match="wait half a minute"):
        bring(house, address)
    with pytest.raises(ImportProblemError, match="start the proxy first"):
        bring(house, address, directory=tmp_path / "elsewhere")
    with pytest.raises(ImportProblemError, match="--since: expected an instant"):
        bring(house, address, since="yesterday")
