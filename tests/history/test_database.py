"""The SQLite file: made once by workers that start together, set aside when damaged."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.archive import Archive
from litellm_obs_plugin.history.database import FILE, forget, open_file
from litellm_obs_plugin.history.keeper import Keeper
from tests.history.house import KEEP_S


def test_the_migrations_make_the_schema(tmp_path):
    engine = open_file(tmp_path)
    found = sa.MetaData()
    found.reflect(engine)
    engine.dispose()

    for name, table in schema.metadata.tables.items():
        columns = {c.name: (c.nullable, c.primary_key) for c in table.columns}
        assert columns == {c.name: (c.nullable, c.primary_key) for c in found.tables[name].columns}


def test_workers_that_start_together(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_file, [tmp_path] * 4))

    for engine in engines:
        with engine.connect() as connection:
            assert connection.execute(sa.select(schema.instance)).all() == []
        engine.dispose()


def test_files_that_one_process_makes_at_the_same_time(tmp_path):
    """Alembic's operations are one per process: they must not land in each other's file."""
    directories = [tmp_path / str(n) for n in range(8)]
    for directory in directories:
        directory.mkdir()

    with ThreadPoolExecutor(8) as pool:
        engines = list(pool.map(open_file, directories))

    for engine in engines:
        with engine.connect() as connection:
            assert connection.execute(sa.select(schema.instance)).all() == []
        engine.dispose()


@pytest.mark.parametrize(
    "damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\x7f" * 8000]
)
def test_a_damaged_file_is_set_aside(tmp_path, damage):
    (tmp_path / FILE).write_bytes(damage)

    open_file(tmp_path).dispose()

    (aside,) = tmp_path.glob("*.damaged")
    assert aside.read_bytes() == damage
    assert sqlite3.connect(tmp_path / FILE).execute("PRAGMA quick_check").fetchone() == ("ok",)


def keeper_of(house, failures):
    class Meter:
        def set(self, name, *labels, value):
            failures.append((name, value))

    return Keeper(
        directory=house.directory,
        read=house.fleet.read,
        keep_s=KEEP_S,
        meter=Meter(),
        failed=failures.append,
        clock=lambda: house.now,
    )


def test_a_file_that_was_damaged_while_the_proxy_was_down(house):
    """
    The next writer begins a new one, and counts into it from then on.
    """
    told: list[object] = []
    keeper = keeper_of(house, told)
    keeper.step()
    house.count(0.5)
    house.sleep(10.05)
    keeper.step()
    keeper.close()
    house.store.close()
    path = house.directory / FILE
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\x55" * (path.stat().st_size - 4096))

    keeper = keeper_of(house, told)
    keeper.step()
    house.count(0.5)
    house.sleep(10.05)
    keeper.step()

    assert not keeper.standing.problem
    assert len(list(house.directory.glob("*.damaged"))) == 1
    archive = keeper.archive()
    assert isinstance(archive, Archive)
    past = archive.read(start=house.now - 900, end=house.now, live=house.fleet.read())
    assert past.snapshot(house.fleet.read()).total("requests_total") == 2
    keeper.close()


def test_a_directory_that_cannot_be_written(house, monkeypatch):
    told: list[object] = []
    keeper = keeper_of(house, told)
    path = house.directory / FILE
    house.store.close()
    for found in house.directory.glob(FILE + "*"):
        found.unlink()
    path.mkdir()  # root may write everywhere, but not a database into a directory

    keeper.step()

    assert "unable to open" in keeper.standing.problem
    assert told == ["history"]
    path.rmdir()
    keeper.step()
    assert not keeper.standing.problem
    keeper.close()


def test_forgetting(tmp_path):
    open_file(tmp_path).dispose()
    forget(tmp_path)
    assert not list(tmp_path.iterdir())
