"""Proxies that share a PostgreSQL: what the fleet shows is what each counted, once."""

from __future__ import annotations

import math
import random
import threading

import psycopg
import pytest
import sqlalchemy as sa

from litellm_obs_plugin.history import roster, schema
from litellm_obs_plugin.history.courier import Courier
from litellm_obs_plugin.history.database import migrate, open_shared
from litellm_obs_plugin.history.delivery import Deliverer
from litellm_obs_plugin.history.fleet_archive import FleetArchive
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S
from litellm_obs_plugin.history.patience import PatientConnection
from litellm_obs_plugin.history.request_log import Bounds, Line, RequestLog, Search
from litellm_obs_plugin.history.spool import Spool
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from tests.history.house import KEEP_S, START, House
from tests.postgres import Relay

pytestmark = pytest.mark.peers
DAY_S = 24.0 * HOUR_S


class Member(House):
    """A proxy of the fleet, and the truth of what it counted."""

    def __init__(self, directory, name: str, url: str, spool_s: float = DAY_S) -> None:
        super().__init__(directory, name)
        self.spool = Spool(limit_s=spool_s)
        self.url = url
        self.values: list[float] = []
        self.failures: list[str] = []
        self.restart()
        self.join()

    def join(self) -> None:
        self.courier = Courier(
            url=self.url,
            local=lambda: (self.store, self.name),
            keep_s=KEEP_S,
            spool=self.spool,
            failed=self.failures.append,
            clock=lambda: self.now,
        )

    def count(self, *values: float) -> None:
        super().count(*values)
        self.values += values

    def deliver(self) -> None:
        while self.courier.step():
            pass

    def fleet_read(self, seconds: float, **how):
        archive = FleetArchive(
            own=self.archive, shared=self.courier.shared, name=self.name, host="here"
        )
        live = self.fleet.read()
        return archive.read(start=self.now - seconds, end=self.now, live=live, **how)

    def stop(self) -> None:
        if hasattr(self, "courier"):
            self.courier.close()
        super().stop()


@pytest.fixture
def database(postgres) -> str:
    return postgres.make_database()


@pytest.fixture
def make_member(tmp_path, postgres, database):
    made: list[Member] = []

    def make(name: str, *, port: int | None = None, **how) -> Member:
        member = Member(tmp_path / name, name, postgres.address(database, port), **how)
        made.append(member)
        return member

    yield make
    for member in made:
        member.stop()


def test_the_migrations_make_the_schema(postgres, database):
    """
    Instances that start together on an empty database make it once.
    """
    engines = [open_shared(postgres.address(database)) for _ in range(3)]
    threads = [threading.Thread(target=migrate, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sa.MetaData()
    found.reflect(engines[0])
    for engine in engines:
        engine.dispose()

    for name, table in schema.metadata.tables.items():
        columns = {c.name: (c.nullable, c.primary_key) for c in table.columns}
        assert columns == {c.name: (c.nullable, c.primary_key) for c in found.tables[name].columns}


def total(past, member):
    return past.snapshot(member.fleet.read())


def test_three_of_which_one_dies_and_one_is_cut_off(make_member, postgres):
    """
    The dead one's delivered rows stay; what the other counted while cut off arrives later, once.
    """
    relay = Relay(postgres.port)
    steady, dying = make_member("steady"), make_member("dying")
    cut_off = make_member("cut-off", port=relay.port)
    fleet = [steady, dying, cut_off]
    chance = random.Random(11)
    for step in range(36):
        if step == 12:
            relay.cut()
        if step == 24:
            relay.mend()
        for member in fleet:
            if member is dying and step >= 18:
                member.sleep(10)
                continue
            member.count(*[chance.lognormvariate(0, 1) for _ in range(chance.randrange(4))])
            member.sleep(10)
            member.write()
            if member is cut_off and step == 20:
                member.courier.close()  # its writer dies meanwhile, and another takes over
                member.restart()
                member.join()
                member.write()
            member.deliver()
        if step == 20:
            watches = {one.name: one for one in steady.fleet_read(900).instances}
            assert cut_off.courier.delivery.problem
            assert steady.now - watches["cut-off"].ready > 60
            assert steady.now - watches["dying"].ready < 60

    values = [v for member in fleet for v in member.values]
    expected = Sketch.of(SECONDS, values)
    for reader in (steady, cut_off):
        past = reader.fleet_read(900)
        window = total(past, reader)
        assert window.total("requests_total") == len(values)
        assert math.isclose(window.total("cost_usd_total"), math.fsum(v / 7 for v in values))
        assert window.sketch("request_duration_seconds").bins.tolist() == expected.bins.tolist()
        assert {one.name for one in past.instances} == {"steady", "dying", "cut-off"}
    assert not cut_off.courier.delivery.problem
    assert set(cut_off.failures) == {"history_delivery"}
    watches = {one.name: one for one in steady.fleet_read(900).instances}
    assert steady.now - watches["dying"].ready >= 170
    assert steady.now - watches["cut-off"].ready < 20
    relay.close()


def test_a_delivery_whose_answer_was_lost_is_not_repeated(make_member, monkeypatch):
    """
    The rows were committed, but the connection broke before the sender knew.
    """
    member = make_member("one")
    other = make_member("two")
    member.count(0.5, 0.7)
    member.sleep(10.05)
    member.write()
    member.deliver()
    member.count(0.9)
    member.sleep(10.0)
    member.write()
    sender = member.courier._sender[1]
    real = sender.deliver

    def deliver(now):
        real(now)
        raise sa.exc.OperationalError("COMMIT", None, Exception("server closed the connection"))

    monkeypatch.setattr(sender, "deliver", deliver)
    assert not member.courier.step()
    assert "closed the connection" in member.courier.delivery.problem
    monkeypatch.undo()
    member.deliver()

    other.sleep(25)
    assert total(other.fleet_read(900), other).total("requests_total") == 3


def test_two_writers_of_one_proxy_deliver_each_row_once(make_member):
    """
    One that hung wakes up beside its successor.
    """
    member, reader = make_member("one"), make_member("two")
    for _ in range(90):
        member.count(0.5)
        member.sleep(10)
        member.write()
    first = member.courier
    member.join()
    second = member.courier
    couriers = [first, second] * 2
    threads = [threading.Thread(target=one.step) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in couriers:
        one.step()
    first.close()

    reader.sleep(910)
    assert total(reader.fleet_read(3600), reader).total("requests_total") == 90


def test_what_waits_too_long_is_dropped_and_counted(make_member, postgres):
    relay = Relay(postgres.port)
    member, reader = make_member("one", port=relay.port, spool_s=4.0 * HOUR_S), make_member("two")
    member.count(0.5)
    member.sleep(10)
    member.write()
    member.deliver()
    relay.cut()
    for _ in range(12):
        for _ in range(6):
            member.count(0.5)
            member.sleep(10)
            member.write()
        member.sleep(HOUR_S - 60)
        member.awake_s += 1000
        member.write()
    member.deliver()
    assert member.courier.delivery.problem
    relay.mend()
    member.deliver()

    reader.now = member.now
    past = reader.fleet_read(DAY_S)
    arrived = total(past, reader).total("requests_total")
    assert 1 < arrived < 73
    assert member.courier.delivery.dropped_s > 0
    own = total(member.read(DAY_S), member)
    assert own.total("requests_total") == 73  # here, minutes hold them all
    relay.close()


def test_tidying_changes_no_total(make_member, postgres, database):
    """
    A proxy that is gone is tidied by one that is there; its last minute, never whole, stays.
    """
    gone, reader = make_member("gone"), make_member("reader")
    chance = random.Random(5)
    for _ in range(82):
        gone.count(*[chance.lognormvariate(0, 1) for _ in range(2)])
        gone.sleep(STEP_S)
        gone.write()
    gone.deliver()
    reader.now = gone.now
    for _ in range(4):
        reader.sleep(DAY_S)
        reader.write()
        reader.deliver()

    window = total(reader.fleet_read(reader.now - START + 600), reader)
    assert window.total("requests_total") == 164
    expected = Sketch.of(SECONDS, gone.values)
    assert window.sketch("request_duration_seconds").bins.tolist() == expected.bins.tolist()
    with psycopg.connect(postgres.address(database)) as connection:
        found = connection.execute(
            "SELECT step_s, count(*) FROM litellm_obs_interval i JOIN litellm_obs_instance n"
            " ON n.id = i.instance_id WHERE name = 'gone' GROUP BY step_s"
        ).fetchall()
    assert dict(found) == {MINUTE_S: 14, STEP_S: 2}


def test_many_instances_tidy_and_deliver_together(make_member):
    members = [make_member(f"m{n}") for n in range(4)]
    for _ in range(20):
        for member in members:
            member.count(0.25)
            member.sleep(30)
            member.write()
        threads = [threading.Thread(target=member.deliver) for member in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert not any(member.failures for member in members)
    window = total(members[0].fleet_read(3600), members[0])
    assert window.total("requests_total") == 80


def test_store_on_postgresql_reads_what_it_wrote(make_member):
    member, reader = make_member("one"), make_member("two")
    values = [0.1, 2.0, 0.0, 1e6]
    member.count(*values)
    member.sleep(10)
    member.write()
    member.deliver()

    store = Store(member.courier._engine)
    with store.reading() as connection:
        (instance,) = roster.instances(connection)
        assert (instance.name, instance.host) == ("one", "here")
    reader.sleep(20)
    found = total(reader.fleet_read(60), reader).sketch("request_duration_seconds")
    assert (found.count, found.min, found.max) == (4, 0.0, 1e6)
    assert found.zero_count == 1


def test_a_database_that_falls_silent(make_member, postgres, monkeypatch):
    """
    Connections stay open and nothing comes: the rows wait, and arrive later, once.
    """
    monkeypatch.setattr(PatientConnection, "silence_s", 0.5)
    relay = Relay(postgres.port)
    member, reader = make_member("one", port=relay.port), make_member("two")

    def count_and_deliver(times):
        for _ in range(times):
            member.count(0.5)
            member.sleep(10)
            member.write()
            member.deliver()

    count_and_deliver(2)
    relay.hang()
    count_and_deliver(1)
    assert member.courier.delivery.problem == "connection timeout expired"
    relay.mend()
    count_and_deliver(1)
    relay.hang_after(1_000)  # in the middle of a delivery
    count_and_deliver(1)
    assert "does not answer for 0.5 s" in member.courier.delivery.problem
    relay.mend()
    count_and_deliver(1)

    reader.now = member.now
    window = total(reader.fleet_read(3600), reader)
    assert not member.courier.delivery.problem
    assert window.total("requests_total") == len(member.values)
    assert window.sketch("request_duration_seconds").count == len(member.values)
    relay.close()


def test_requests_one_by_one(make_member):
    """
    Each arrives once, also of two senders and after a restart; what is too much of them goes.
    """
    member = make_member("one")
    bounds = Bounds(keep=1100, keep_s=DAY_S)

    def note(first: int, last: int) -> None:
        log = RequestLog(store=member.store, name=member.name)
        log.add(line(n, member.now) for n in range(first, last))

    def begin() -> Deliverer:
        how = {"local": member.store, "shared": member.courier.shared(), "name": member.name}
        return Deliverer(**how, keep_s=KEEP_S, requests=bounds)

    def deliver(sender: Deliverer) -> None:
        while sender.deliver(member.now).more:
            pass

    member.deliver()
    member.count(0.5)
    member.sleep(10)
    member.write()
    note(0, 1050)
    first, second = begin(), begin()
    deliver(first)
    deliver(second)
    shared = RequestLog(store=member.courier.shared(), name=None)
    assert shared.search(Search(), fresh=()).total == 1050
    note(1050, 1200)
    deliver(first)
    first.tidy(member.now)
    found = shared.search(Search(limit=1000), fresh=())
    assert found.total == 1100
    assert found.texts[0] == '{"n": 1199}'
    RequestLog(store=member.store, name=member.name).expire(before=math.inf, keep=1)
    note(2000, 2001)  # its id is one that was sent before
    deliver(first)
    deliver(second)
    found = shared.search(Search(where={"team": "a\ufffdb"}), fresh=())
    assert (found.total, found.texts[0]) == (1101, '{"n": 2000}')


def line(n: int, now: float) -> Line:
    return Line(
        digest=f"d{n}",
        received_at=now + n / 1000,
        slow=False,
        failed=False,
        duration_ms=float(n),
        cost_usd=None,
        values={"team": "a\0b"},
        text=f'{{"n": {n}}}',
    )
