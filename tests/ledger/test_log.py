"""Requests beyond the rings: written once, found as if they were still there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.history import roster
from litellm_obs_plugin.history.database import open_file
from litellm_obs_plugin.history.request_log import RequestLog
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.ledger.book import LedgerWriter, Page
from litellm_obs_plugin.ledger.log import LoggedReader, LogWriter, select_logged
from litellm_obs_plugin.ledger.selection import Position, Selection, Sort, select
from litellm_obs_plugin.record import Caller, Operation, Outcome, Request

NOW = 1_750_000_000.0
NAME = "proxy"


def finished(number, *, team=None, duration_s=None, outcome=Outcome.SUCCESS):
    return Request(
        call_id=f"call-{number}",
        received_at=NOW + number,
        duration_s=duration_s,
        operation=Operation.CHAT,
        stream=False,
        model_group="chat",
        outcome=outcome,
        caller=Caller(team=team),
    )


class Desk:
    """A worker's rings, and the log that they are copied to."""

    def __init__(self, directory, *, size=10, keep=1000, keep_s=1e6):
        self.directory, self.now = directory, NOW + 100
        self.store = Store(open_file(directory))
        with self.store.writing() as connection:
            roster.join(connection, name=NAME, host="here", now=NOW)
        self.rings = LedgerWriter(directory=directory, size=size, slow_s=1.0)
        self.writer = self.make_writer(keep, keep_s)
        self.log = RequestLog(store=self.store, name=NAME)

    def make_writer(self, keep=1000, keep_s=1e6):
        return LogWriter(directory=self.directory, keep=keep, keep_s=keep_s, clock=lambda: self.now)

    def write(self):
        self.writer.write(self.store, NAME)

    def find(self, page=Page.RECENT, **asked):
        found = select_logged(self.log, self.directory, page, Selection(**asked))
        return [entry["id"] for entry in found.entries], found.total

    def close(self):
        self.rings.close()
        self.store.close()


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.close()


def test_they_outlive_the_ring(desk):
    for number in range(25):
        desk.rings.record(finished(number))
        if number % 5 == 4:
            desk.write()
    desk.rings.record(finished(25))  # only in the ring

    ids, total = desk.find(limit=100)

    assert [f"call-{n}" for n in range(25, -1, -1)] == ids
    assert 26 == total


def test_another_writer_writes_nothing_twice(desk):
    desk.rings.record(finished(1))
    desk.write()
    desk.make_writer().write(desk.store, NAME)

    assert (["call-1"], 1) == desk.find()


def test_page_after_page_while_requests_come_in(desk):
    """Each request that was there at first is seen once, also where two came in one instant."""
    for number in range(8):
        desk.rings.record(replace(finished(number), received_at=NOW + number // 2))
        if number == 4:
            desk.write()
    seen, before = [], None
    for number in range(100, 103):
        asked = Selection(before=before, limit=3)
        page = select_logged(desk.log, desk.directory, Page.RECENT, asked)
        seen += [entry["id"] for entry in page.entries]
        before = Position.parse(str(Position.of(page.entries[-1])))
        desk.rings.record(finished(number))
        desk.write()

    assert [f"call-{n}" for n in range(7, -1, -1)] == seen
    assert 2 == page.total


def test_pages_and_filters(desk):
    for number in range(6):
        failed = Outcome.ERROR if number % 2 else Outcome.SUCCESS
        desk.rings.record(
            finished(number, team=f"t{number % 3}", duration_s=number / 2, outcome=failed)
        )
        if number == 3:
            desk.write()

    assert (["call-5", "call-3", "call-1"], 3) == desk.find(Page.FAILED)
    assert (["call-5", "call-4", "call-3", "call-2"], 4) == desk.find(Page.SLOW)
    assert (["call-4", "call-1"], 2) == desk.find(where={"team": "t1"})
    assert ([], 0) == desk.find(where={"team": "' OR 1=1 --"})
    assert ([], 0) == desk.find(where={"team": "t\N{SNOWMAN}"})


def test_a_cap_on_number_and_age(tmp_path):
    desk = Desk(tmp_path, keep=5, keep_s=200)
    for number in range(9):
        desk.rings.record(finished(number))
    desk.write()
    assert 5 <= desk.log.search(_all(), fresh=()).total <= 5
    desk.now += 203 - 100
    desk.now += 600
    desk.write()
    assert 0 == desk.log.search(_all(), fresh=()).total
    desk.close()


def _all():
    from litellm_obs_plugin.history.request_log import Search

    return Search()


def test_a_database_that_cannot_be_read(desk):
    """The rings still answer, and the failure is counted."""
    desk.rings.record(finished(1))
    failures = []
    reader = LoggedReader(desk.directory, log=lambda: desk.log, failed=failures.append)
    with desk.store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE litellm_obs_request")

    assert ["call-1"] == [e["id"] for e in reader.select(Page.RECENT, Selection()).entries]
    assert ["read_history"] == failures


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    durations=st.lists(
        st.one_of(st.none(), st.sampled_from([0.5, 1.5, 2.0])), min_size=1, max_size=12
    ),
    written=st.integers(0, 12),
    sort=st.sampled_from(Sort),
    offset=st.integers(0, 13),
    limit=st.integers(1, 5),
)
def test_any_page_is_that_of_all_requests(
    tmp_path_factory, durations, written, sort, offset, limit
):
    """Wherever the line between written and unwritten lies, the page is as of one list."""
    desk = Desk(tmp_path_factory.mktemp("desk"), size=20)
    for number, duration_s in enumerate(durations):
        desk.rings.record(finished(number, duration_s=duration_s))
        if number == written:
            desk.write()
    asked = Selection(sort=sort, offset=offset, limit=limit)
    reader = LoggedReader(desk.directory, log=lambda: None, failed=lambda _: None)
    expected = select(reader.newest(Page.RECENT, limit=100), asked)

    found = select_logged(desk.log, desk.directory, Page.RECENT, asked)
    desk.close()

    assert expected == found
