"""Finished requests one by one, in the history database: written by one, read by any."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.standing import HistoryError, reason_of
from litellm_obs_plugin.history.store import Store

_AT_ONCE = 500
_SAME_INSTANT = 20
_request = schema.request.c
_COLUMNS: Mapping[str, sa.Column[str]] = {
    "modelGroup": _request.model_group,
    "model": _request.model,
    "provider": _request.provider,
    "outcome": _request.outcome,
    "team": _request.team,
    "key": _request.key_alias,
}


class Order(StrEnum):
    """What stands first: the newest, the longest or the dearest. What is not known stands last."""

    TIME = "time"
    DURATION = "duration"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A request. *digest* names its *text*, which is JSON; *values* are what it is found by."""

    digest: str
    received_at: float
    slow: bool
    failed: bool
    duration_ms: float | None
    cost_usd: float | None
    values: Mapping[str, str | None]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """*where*: the values that a request must have; *until*: when it was received at the latest.

    The newest page has some requests more than its *limit*: which of those that were received in
    the same instant stand first is the caller's to say.
    """

    slow: bool = False
    failed: bool = False
    where: Mapping[str, str] = field(default_factory=dict)
    until: float | None = None
    order: Order = Order.TIME
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """*texts* are requests in order, the first of them the one at *offset* of all *total*.

    *unwritten*: the digests that were asked about and are not here.
    """

    texts: Sequence[str]
    offset: int
    total: int
    unwritten: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """At most *keep* requests are kept, none for longer than *keep_s*."""

    keep: int
    keep_s: float


class RequestLog:
    """The requests of proxy *name*; None: of all that share the database, to be searched only."""

    def __init__(self, *, store: Store, name: str | None) -> None:
        self._store = store
        self._name = name

    def add(self, lines: Iterable[Line]) -> None:
        """Write *lines* that are not there yet.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be written; nothing is.
        """
        with self._store.writing() as connection:
            instance = self._instance(connection)
            values = [_row(instance, line) for line in lines] if instance is not None else []
            if values:
                made = sqlite.insert if self._store.dialect == "sqlite" else postgresql.insert
                connection.execute(made(schema.request).on_conflict_do_nothing(), values)

    def expire(self, *, before: float, keep: int) -> None:
        """Forget requests from before an instant, and all but the *keep* newest.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be written.
        """
        with self._store.writing() as connection:
            instance = self._instance(connection)
            ours = _request.instance_id == instance
            newest = sa.select(_request.received_at).where(ours)
            newest = newest.order_by(_request.received_at.desc()).offset(keep).limit(1)
            too_many = connection.execute(newest).scalar()
            gone = _request.received_at < before
            if too_many is not None:
                gone = sa.or_(gone, _request.received_at <= too_many)
            connection.execute(schema.request.delete().where(ours, gone))

    def search(self, asked: Search, *, fresh: Collection[str]) -> Shelf:
        """What *asked* finds. *fresh* are digests of requests that the caller has himself.

        The page begins earlier by as many as are not written yet: any of those may stand before.

        Raises:
            HistoryError: the database cannot be read.
        """
        try:
            with self._store.reading() as connection:
                return self._search(connection, asked, fresh)
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            msg = f"the requests cannot be read: {reason_of(error)}"
            raise HistoryError(msg) from error

    def _search(self, connection: sa.Connection, asked: Search, fresh: Collection[str]) -> Shelf:
        instance = self._instance(connection)
        unwritten = set(fresh) - self._known(connection, instance, fresh)
        mine = [_request.instance_id == instance] if self._name is not None else []
        fits = [*mine, *_conditions(asked)]
        count = sa.select(sa.func.count()).select_from(schema.request).where(*fits)
        offset = max(asked.offset - len(unwritten), 0)
        page = sa.select(_request.entry).where(*fits).order_by(*_order(asked.order))
        more = _SAME_INSTANT if asked.order is Order.TIME and not asked.offset else 0
        page = page.offset(offset).limit(asked.limit + asked.offset - offset + more)
        return Shelf(
            texts=connection.execute(page).scalars().all(),
            offset=offset,
            total=connection.execute(count).scalar_one(),
            unwritten=unwritten,
        )

    def _known(
        self, connection: sa.Connection, instance: int | None, digests: Collection[str]
    ) -> set[str]:
        found: set[str] = set()
        for some in _chunks(sorted(digests)):
            query = sa.select(_request.digest).where(
                _request.instance_id == instance, _request.digest.in_(some)
            )
            found.update(connection.execute(query).scalars())
        return found

    def _instance(self, connection: sa.Connection) -> int | None:
        table = schema.instance
        return connection.execute(sa.select(table.c.id).where(table.c.name == self._name)).scalar()


def _row(instance: int, line: Line) -> dict[str, object]:
    return {
        "instance_id": instance,
        "digest": line.digest,
        "received_at": line.received_at,
        "slow": int(line.slow),
        "failed": int(line.failed),
        "duration_ms": line.duration_ms,
        "cost_usd": line.cost_usd,
        "entry": line.text,
        **{_COLUMNS[name].name: line.values.get(name) for name in _COLUMNS},
    }


def _conditions(asked: Search) -> Iterator[sa.ColumnElement[bool]]:
    if asked.slow:
        yield _request.slow == 1
    if asked.failed:
        yield _request.failed == 1
    if asked.until is not None:
        yield _request.received_at <= asked.until
    for name, value in asked.where.items():
        yield _COLUMNS[name] == value


def _order(order: Order) -> list[sa.ColumnElement[float]]:
    sizes = {Order.DURATION: _request.duration_ms, Order.COST: _request.cost_usd}
    size = [sizes[order].desc().nulls_last()] if order in sizes else []
    return [*size, _request.received_at.desc(), _request.id.desc()]


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
