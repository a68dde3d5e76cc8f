"""The proxies that write into one database, each with how far its rows have come."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S, STEPS_S

TIDY_LOCK = 0x6F627301  # advisory, in PostgreSQL
_READY = {STEP_S: "ready_10", MINUTE_S: "ready_60", HOUR_S: "ready_3600"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A proxy, with until when its rows of each step are whole."""

    id: int
    name: str
    host: str
    seen_at: float
    ready: Mapping[int, int]


def join(connection: sa.Connection, *, name: str, host: str, now: float) -> Instance:
    """The instance called *name*, new or known; nobody else may change it meanwhile."""
    found = find(connection, name, locked=True)
    if found is None:
        new = {"name": name, "host": host, "seen_at": now}
        ready = dict.fromkeys(_READY.values(), 0)
        connection.execute(insert_new(connection, schema.instance), [{**new, **ready}])
        found = find(connection, name, locked=True)
    assert found is not None, "it was just made"
    return found


def find(connection: sa.Connection, name: str, *, locked: bool = False) -> Instance | None:
    """The instance called *name*; *locked*: nobody else may change it in this transaction."""
    table = schema.instance
    query = sa.select(table).where(table.c.name == name)
    found = connection.execute(query.with_for_update() if locked else query).first()
    return _instance(found) if found is not None else None


def instances(connection: sa.Connection) -> list[Instance]:
    """Every proxy that has ever written here, and is still remembered."""
    return [_instance(found) for found in connection.execute(sa.select(schema.instance))]


def set_ready(
    connection: sa.Connection, instance: Instance, *, step_s: int, ready: int, now: float
) -> None:
    """Rows of *step_s* are whole until *ready*."""
    table = schema.instance
    values = {_READY[step_s]: ready, "seen_at": now}
    connection.execute(table.update().where(table.c.id == instance.id).values(**values))


def claim_tidying(connection: sa.Connection) -> bool:
    """Whether this transaction is the one that may tidy what belongs to others."""
    if connection.dialect.name == "sqlite":
        return True
    lock = sa.select(sa.func.pg_try_advisory_xact_lock(TIDY_LOCK))
    return bool(connection.execute(lock).scalar())


def insert_new(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that passes over what is there: another may add the same at the same time."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def _instance(found: sa.Row[tuple[object, ...]]) -> Instance:
    values = found._mapping
    return Instance(
        id=values["id"],
        name=values["name"],
        host=values["host"],
        seen_at=values["seen_at"],
        ready={step_s: values[_READY[step_s]] for step_s in STEPS_S},
    )
