"""Opening the history databases: the SQLite file in the state directory, a fleet's PostgreSQL."""

import logging
import threading
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
_MIGRATE_LOCK = 0x6F627302  # advisory, in PostgreSQL
_migrating = threading.Lock()  # Alembic's operations work on one connection of the whole process
# A database that does not answer must not hold whoever asks for long.
_SHARED = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "litellm-obs",
    "options": "-c statement_timeout=30000 -c lock_timeout=10000"
    " -c idle_in_transaction_session_timeout=60000",
}


def open_file(directory: Path, *, checked: bool = True) -> sa.Engine:
    """The SQLite database in *directory*; one that is damaged is set aside and a new one begun.

    *checked*: every page is looked at, which takes a second for some hundred megabytes.

    Raises:
        sa.exc.DBAPIError: the directory cannot be written, or its disk is full.
    """
    path = directory / FILE
    try:
        return _open(path, checked=checked)
    except sa.exc.DatabaseError as error:
        if not checked or isinstance(error, sa.exc.OperationalError) or not path.exists():
            raise
        set_aside(path, error)
        return _open(path, checked=checked)


def open_shared(url: str) -> sa.Engine:
    """The PostgreSQL database of a fleet. Nothing is asked of it yet.

    Raises:
        ImportError: psycopg is not installed.
        sa.exc.ArgumentError: *url* is none.
    """
    from litellm_obs_plugin.history.patience import PatientConnection

    found = sa.make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(
        found, connect_args=_SHARED, pool_size=2, max_overflow=1, pool_pre_ping=True
    )

    def connect(_dialect: Any, _record: Any, values: Any, named: Any) -> Any:
        return PatientConnection.connect(*values, **named)

    sa.event.listen(engine, "do_connect", connect)
    return engine


def set_aside(path: Path, error: Exception) -> None:
    """Keep what is damaged for whoever wants to look at it, out of the way."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.damaged")
    log.error("litellm_obs: %s is damaged and set aside as %s: %s", path, aside.name, error)
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def list_damaged(directory: Path) -> tuple[str, ...]:
    """The names of the files in *directory* that were set aside."""
    return tuple(sorted(path.name for path in directory.glob(f"{FILE}.*.damaged")))


def _open(path: Path, *, checked: bool) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    try:
        if checked:
            check(path)
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    path.chmod(0o600)
    return engine


def check(path: Path) -> None:
    """Look at every page, through a connection of its own: another one's cache hides damage.

    Raises:
        sa.exc.DatabaseError: one is damaged.
    """
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        problems = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if problems != "ok":
        raise sa.exc.DatabaseError("quick_check", None, Exception(str(problems)))


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
    with (
        _migrating,
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATE_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
