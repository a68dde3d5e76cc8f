"""Two real proxies on one real PostgreSQL: either tells what both counted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest

from tests.postgres import Postgres, Relay
from tests.proxy.conftest import TEMPLATE, Gateway
from tests.proxy.server import start_proxy, write_config

pytestmark = [pytest.mark.proxy, pytest.mark.peers]

METRICS = "/api/gateway/metrics"
COUNTED = (
    "SELECT sum(value) FROM litellm_obs_row r JOIN litellm_obs_series s ON s.id = r.series_id"
    " WHERE step_s = 10 AND metric = 'requests_total'"
)
ARRIVES_S = 60.0  # rows are written every ten seconds, and delivered a second later


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """*relay* stands between the proxies and their *database*."""

    members: list[Gateway]
    relay: Relay
    database: str


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, free_port, simulator, wait_for, postgres: Postgres) -> Iterator[Fleet]:
    relay, name = Relay(postgres.port), postgres.make_database()

    def boot(member: str) -> Gateway:
        directory = tmp_path_factory.mktemp(member)
        config = write_config(
            TEMPLATE, simulator=simulator.url, closed=simulator.url, to=directory / "config.yaml"
        )
        proxy = start_proxy(
            config=config,
            port=free_port(),
            state_dir=directory / "state",
            log=directory / "log",
            wait_for=wait_for,
            env={"LITELLM_OBS_HISTORY__URL": postgres.address(name, relay.port)},
        )
        return Gateway(proxy=proxy, simulator=simulator, wait_for=wait_for)

    with ThreadPoolExecutor(2) as pool:
        members = list(pool.map(boot, ("first", "second")))
    yield Fleet(members=members, relay=relay, database=postgres.address(name))
    for one in members:
        one.close()
        one.server.stop()
    relay.close()


def ask(member: Gateway, case: str, times: int) -> None:
    message = {"role": "user", "content": f"[case:{case}] [tokens:100,50]"}
    body = {"model": "chat", "messages": [message]}
    for _ in range(times):
        assert member.client.post("/v1/chat/completions", json=body).status_code == 200


def instances(found):
    return {one["name"]: one for one in found["window"]["instances"]}


def name_of(member: Gateway) -> str:
    """The proxy's own name: of all that it knows, the one whose counts are in until now."""
    found = instances(member.json(scope="fleet", window="15m"))
    return max(found.values(), key=lambda one: one["countedUntil"])["name"]


def test_either_tells_what_both_counted(fleet, wait_for):
    """
    Totals, tokens and steps are the sum of both, as in the simulator's own ledger.
    """
    first, second = fleet.members
    ask(first, "fleet", 3)
    ask(second, "fleet", 5)
    calls = first.calls("fleet")
    assert len(calls) == 8

    for member, own in ((first, 3), (second, 5)):
        wait_for(lambda m=member, n=own: m.json(window="15m")["requests"]["total"] == n)
        wait_for(
            lambda m=member: (
                m.json(scope="fleet", window="15m", step="10s")["requests"]["total"] == 8
            ),
            timeout_s=ARRIVES_S,
        )
        found = member.json(scope="fleet", window="15m", step="10s")
        assert found["scope"] == "fleet"
        assert found["tokens"]["input"] == 100 * len(calls)
        assert found["tokens"]["output"] == 50 * len(calls)
        assert sum(n for n in found["history"]["requests"] if n is not None) == 8
        assert len(instances(found)) == 2
        assert not any(one["late"] for one in instances(found).values())
        assert all(0 < one["coverage"] < 1 for one in instances(found).values())
        table = member.client.get(
            METRICS,
            params={"scope": "fleet", "window": "15m", "step": "10s", "format": "csv"},
        )
        assert table.status_code == 200
        only = member.json(scope="fleet", window="15m", model="gpt-4o-mini")
        assert only["requests"]["total"] == 8
        wait_for(lambda m=member: listed(m)[1] == len(calls), timeout_s=ARRIVES_S)
        assert listed(member)[0] == listed(first, limit="2")[0] + listed(first, offset="2")[0]
    longest = [row["latency"]["totalMs"] for row in rows_of(second, sort="duration")]
    assert longest == sorted(longest, reverse=True)
    assert {row["id"] for row in rows_of(first, scope="instance")} < set(listed(first)[0])
    assert listed(first, modelGroup="claude") == ([], 0)
    assert name_of(first) != name_of(second)
    with psycopg.connect(fleet.database) as connection:
        version = connection.execute("SELECT version_num FROM litellm_obs_version").fetchone()
    assert version == ("0003",)


def test_one_stops_and_the_database_goes_away_or_hangs(fleet, wait_for):
    """
    The fleet cannot be told then; the other serves, tells its own, and delivers later, once.

    What the first had delivered stays; the window says until when it is told.
    """
    first, second = fleet.members
    gone, total = name_of(second), 8
    second.server.stop()
    for trouble in (fleet.relay.cut, fleet.relay.hang):
        trouble()
        ask(first, "fleet-away", 2)
        total += 2
        answer = first.client.get(METRICS, params={"scope": "fleet", "window": "16m"})
        assert answer.status_code == 503, answer.text
        assert "the fleet's history cannot be read" in answer.json()["detail"]
        if trouble == fleet.relay.cut:
            rows = first.client.get("/api/gateway/requests", params={"scope": "fleet"})
            assert rows.status_code == 503, rows.text
        wait_for(lambda t=total: first.json(window="15m")["requests"]["total"] == t - 5)
        wait_for(lambda: history_status(first) == "degraded", timeout_s=ARRIVES_S)
        fleet.relay.mend()
        wait_for(
            lambda: first.client.get(METRICS, params={"scope": "fleet"}).status_code == 200,
            timeout_s=ARRIVES_S,
        )

    wait_for(lambda: history_status(first) == "healthy", timeout_s=2 * ARRIVES_S)
    wait_for(lambda: watch(first, gone)["late"], timeout_s=90)
    found = first.json(scope="fleet", window="15m")
    assert found["requests"]["total"] == total == 5 + 3 + len(first.calls("fleet-away"))
    with psycopg.connect(fleet.database) as connection:
        (counted,) = connection.execute(COUNTED).fetchone()
    assert counted == total
    wait_for(lambda: listed(first)[1] == total, timeout_s=ARRIVES_S)
    assert gone not in instances(first.json(scope="fleet", window="30s"))


def rows_of(member: Gateway, **query: str):
    return member.ask("/api/gateway/requests", **{"scope": "fleet", **query})


def listed(member: Gateway, **query: str) -> tuple[list[str], int]:
    """The ids of the fleet's requests, and how many there are in all."""
    asked = {"scope": "fleet", **query}
    answer = member.client.get("/api/gateway/requests", params=asked)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()], int(answer.headers["x-total-count"])


def history_status(member: Gateway) -> str:
    return member.client.get("/health/gateway").json()["components"]["history"]["status"]


def watch(member: Gateway, name: str):
    return instances(member.json(scope="fleet", window="15m"))[name]


def test_a_proxy_without_a_fleet_says_so(gateway):
    answer = gateway.client.get(METRICS, params={"scope": "fleet"})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "scope"]
    assert "history.url" in answer.text
    rows = gateway.client.get("/api/gateway/requests", params={"scope": "fleet"})
    assert rows.json()["detail"][0]["loc"] == ["query", "scope"]
    stream = gateway.client.get("/api/gateway/metrics/stream", params={"scope": "fleet"})
    assert stream.status_code == 422
    assert "scope" in stream.text
