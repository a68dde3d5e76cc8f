"""Full disks, damage and kills: nothing counted is lost or doubled once all is well again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from litellm_obs_plugin.history.database import FILE
from litellm_obs_plugin.history.keeper import Keeper
from tests.history.house import KEEP_S, START, House

ROOT = Path(__file__).parents[2]


class Meter:
    def set(self, name, *labels, value):
        pass


@pytest.fixture
def make_keeper(house):
    made: list[Keeper] = []

    def make() -> Keeper:
        keeper = Keeper(
            directory=house.directory,
            read=house.fleet.read,
            keep_s=KEEP_S,
            meter=Meter(),
            failed=lambda stage: None,
            clock=lambda: house.now,
        )
        made.append(keeper)
        return keeper

    yield make
    for keeper in made:
        keeper.close()


def count_and_step(house, *keepers):
    house.count(0.5)
    house.sleep(10.05)
    for keeper in keepers:
        keeper.step()


def total(house, keeper, seconds=3600.0):
    live = house.fleet.read()
    past = keeper.archive().read(start=house.now - seconds, end=house.now, live=live)
    return past.snapshot(live).total("requests_total")


def test_a_full_disk(house, make_keeper):
    """
    While nothing can be written, windows are right all the same; then all of it is written.
    """
    keeper = make_keeper()
    for _ in range(5):
        count_and_step(house, keeper)
    engine = keeper._store._engine

    def allow(pages):
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with engine.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar()
    engine.dispose()
    listener = lambda raw, _: raw.execute(f"PRAGMA max_page_count = {used}")  # noqa: E731
    sa.event.listen(engine, "connect", listener)
    for n in range(60):
        house.recorder.count("requests_total", f"new-{n}" * 8, "chat", "false", "success")
        count_and_step(house, keeper)
    assert "full" in keeper.standing.problem
    assert total(house, keeper) == 125

    sa.event.remove(engine, "connect", listener)
    engine.dispose()
    count_and_step(house, keeper)
    assert not keeper.standing.problem
    assert total(house, keeper) == 126
    house.restart()
    assert total(house, keeper) == 126


def test_damage_while_the_file_is_open(house, make_keeper):
    """
    The writer's cache hides it, so it looks by itself; then it begins anew, and so do the others.
    """
    writer, other = make_keeper(), make_keeper()
    for _ in range(40):
        house.recorder.count("requests_total", os.urandom(40).hex(), "chat", "false", "success")
        count_and_step(house, writer, other)
    path = house.directory / FILE
    with writer._store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # what it holds would mend
    before = path.stat().st_ino
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\x55" * (path.stat().st_size - 8192))

    for _ in range(400):
        house.sleep(10.05)
        writer.step()
        if list(house.directory.glob("*.damaged")):
            break
    count_and_step(house, writer, other)
    count_and_step(house, writer, other)

    assert len(list(house.directory.glob("*.damaged"))) == 1
    assert path.stat().st_ino != before
    for keeper in (writer, other):
        assert not keeper.standing.problem
        assert total(house, keeper, 25.0) == 2
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_a_file_that_is_deleted_while_it_is_open(house, make_keeper):
    keeper = make_keeper()
    count_and_step(house, keeper)
    for path in house.directory.glob(FILE + "*"):
        path.unlink()
    count_and_step(house, keeper)
    count_and_step(house, keeper)

    assert (house.directory / FILE).exists()
    assert not keeper.standing.problem
    assert total(house, keeper) == 3  # of a state this young, all


def test_two_keepers_of_one_directory(house, make_keeper):
    """
    One writes; when it is gone the other does, from where it ended.
    """
    first, second = make_keeper(), make_keeper()
    for _ in range(5):
        count_and_step(house, first, second)
    assert total(house, first) == total(house, second) == 5
    first.close()
    for _ in range(5):
        count_and_step(house, second)
    assert total(house, second) == 10
    assert second.standing.written_at == pytest.approx(house.now)


@pytest.mark.stress
def test_writers_killed_in_the_middle(tmp_path):
    """
    Twelve writers, each killed at some instant: what the state counted is in the history, once.
    """
    directory, chance = tmp_path / "state", random.Random(3)
    for run in range(12):
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.history.killed_writer",
                directory,
                str(START + run * 5000),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.05, 0.4))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with sqlite3.connect(directory / FILE) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()

    house = House(directory)
    house.now = START + 13 * 5000
    house.write()
    state = house.fleet.read()
    window = house.window(house.now - START + 600)

    # A kill may fall between the two figures of one request: each stands for itself.
    requests = state.total("requests_total")
    durations = state.sketch("request_duration_seconds").count
    assert 12 < requests - 12 <= durations <= requests
    assert window.total("requests_total") == requests
    assert window.sketch("request_duration_seconds").count == durations
    house.stop()
