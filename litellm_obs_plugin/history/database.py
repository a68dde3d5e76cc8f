"""Opening the history database, an SQLite file in the state directory."""

import logging
import uuid
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

log = logging.getLogger(__name__)

VERSION_TABLE = "litellm_obs_version"
FILE = "history.sqlite"
_BUSY_MS = 5_000


def open_file(directory: Path) -> sa.Engine:
    """The SQLite database in *directory*; one that is damaged is set aside and a new one begun.

    Raises:
        sa.exc.DBAPIError: the directory cannot be written, or its disk is full.
    """
    path = directory / FILE
    try:
        return _open_checked(path)
    except sa.exc.DatabaseError as error:
        if isinstance(error, sa.exc.OperationalError) or not path.exists():
            raise
        set_aside(path, error)
        return _open_checked(path)


def set_aside(path: Path, error: Exception) -> None:
    """Keep what is damaged for whoever wants to look at it, out of the way."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.damaged")
    log.error("litellm_obs: %s is damaged and set aside as %s: %s", path, aside.name, error)
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _open_checked(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    try:
        with engine.connect() as connection:
            problems = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if problems != "ok":
            raise sa.exc.DatabaseError("quick_check", None, Exception(str(problems)))
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    path.chmod(0o600)
    return engine


def _configure(connection: Any, _: Any) -> None:
    """Readers and the one writer do not wait for each other (WAL)."""
    connection.isolation_level = None  # transactions begin where SQLAlchemy says, see _begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """A writer takes the lock at once, so that what it has read is not outdated when it writes."""
    immediate = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def forget(directory: Path) -> None:
    """Delete the history in *directory*.

    Raises:
        OSError: it cannot be deleted.
    """
    for path in directory.glob(FILE + "*"):
        path.unlink()


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision.

    Raises:
        sa.exc.DBAPIError: the database cannot be written.
    """
    config = Config()
    config.set_main_option("script_location", "litellm_obs_plugin.history:migrations")
    # Workers start together: the second waits for the first, and finds nothing to do.
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
