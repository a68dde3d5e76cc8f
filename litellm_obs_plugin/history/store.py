"""Rows in a database: written by one, read by any. SQLite and PostgreSQL alike."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.columns import Columns, Raw, join
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.level import Level, Span
from litellm_obs_plugin.history.roster import Instance, set_ready
from litellm_obs_plugin.history.series_ids import SeriesIds
from litellm_obs_plugin.metrics.layout import SeriesName

_ROWS_AT_ONCE = 2_000
_AT_ONCE = 500  # values in one IN (...): below every database's limit

_row, _interval, _series = schema.row.c, schema.interval.c, schema.series.c


class Store:
    """Not thread-safe: each thread has its own, over the same engine."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self.ids = SeriesIds()

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One view of the data: what is written meanwhile does not show."""
        options = {} if self.dialect == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """All or nothing."""
        try:
            with (
                self._engine.connect().execution_options(writes=True) as connection,
                connection.begin(),
            ):
                yield connection
        except BaseException:
            self.ids.forget()
            raise

    def close(self) -> None:
        self._engine.dispose()

    def levels(self, connection: sa.Connection, instance: Instance) -> list[Level]:
        """What rows there are of *instance*."""
        query = (
            sa.select(_interval.step_s, sa.func.min(_interval.t))
            .where(_interval.instance_id == instance.id)
            .group_by(_interval.step_s)
        )
        return [
            Level(step_s=step_s, ready=instance.ready[step_s], kept=kept)
            for step_s, kept in connection.execute(query)
        ]

    def add(
        self,
        connection: sa.Connection,
        instance: Instance,
        *,
        step_s: int,
        columns: Columns,
        intervals: Sequence[Interval],
        ready: int,
        now: float,
    ) -> None:
        """Write rows and intervals of one step; *ready*: until when that makes them whole."""
        ids = self.ids.of(connection, columns.names)
        rows = [
            {
                "instance_id": instance.id,
                "step_s": step_s,
                "series_id": ids[place],
                "t": t,
                "value": value,
                "n": n,
                "zero": zero,
                "low": low,
                "high": high,
                "bins": bins,
            }
            for place, t, value, n, zero, low, high, bins in columns.rows()
        ]
        if rows:
            connection.execute(schema.row.insert(), rows)
        watched = [
            {
                "instance_id": instance.id,
                "step_s": step_s,
                "t": one.t,
                "covered_s": one.covered_s,
                "workers": one.workers,
            }
            for one in intervals
        ]
        if watched:
            connection.execute(schema.interval.insert(), watched)
        set_ready(connection, instance, step_s=step_s, ready=ready, now=now)

    def read(
        self,
        connection: sa.Connection,
        instance: Instance,
        span: Span,
        *,
        metrics: Collection[str] | None = None,
    ) -> Columns:
        """The rows of *span*, of all metrics or of some."""
        query = sa.select(_series.id, _series.metric, _series.labels)
        if metrics is not None:
            query = query.where(_series.metric.in_(sorted(metrics)))
        known = connection.execute(query.order_by(_series.id)).all()
        every = [id for id, _, _ in known]
        names = [SeriesName(metric, schema.read_labels(labels)) for _, metric, labels in known]
        parts: list[Columns] = []
        for ids in _chunks(every):
            found = connection.execute(
                sa.select(
                    *(_row.series_id, _row.t, _row.value, _row.n, _row.zero),
                    *(_row.low, _row.high, _row.bins),
                ).where(
                    *_within(_row, instance, span),
                    _row.series_id.in_(sa.bindparam("ids", expanding=True)),
                ),
                {"ids": ids},
            )
            for rows in _some_at_a_time(found):
                told = Columns.of(names, rows)
                # The ids are in order, so a series' place is where its id stands among them.
                parts.append(replace(told, series=np.searchsorted(every, told.series)))
        return join(parts)

    def intervals(
        self, connection: sa.Connection, instance: Instance, span: Span
    ) -> list[Interval]:
        """What *instance* watched of *span*."""
        query = sa.select(_interval.t, _interval.covered_s, _interval.workers).where(
            *_within(_interval, instance, span)
        )
        return [
            Interval(t=t, covered_s=covered_s, workers=workers)
            for t, covered_s, workers in connection.execute(query.order_by(_interval.t))
        ]

    def expire(
        self, connection: sa.Connection, instance: Instance, *, step_s: int, before: int
    ) -> None:
        """Forget rows of one step that began before *before*."""
        ids = connection.execute(sa.select(_series.id)).scalars().all()
        for some in _chunks(ids):
            connection.execute(
                schema.row.delete().where(
                    _row.instance_id == instance.id,
                    _row.step_s == step_s,
                    _row.series_id.in_(some),
                    _row.t < before,
                )
            )
        connection.execute(
            schema.interval.delete().where(
                _interval.instance_id == instance.id,
                _interval.step_s == step_s,
                _interval.t < before,
            )
        )

    def clear(self, connection: sa.Connection, instance: Instance, span: Span) -> None:
        """Take out rows and intervals of *span*, to write better ones."""
        for table, columns in ((schema.row, _row), (schema.interval, _interval)):
            connection.execute(table.delete().where(*_within(columns, instance, span)))

    def shrink(self) -> None:
        """Give room that is free in the file back to the disk. PostgreSQL does so by itself."""
        if self.dialect == "sqlite":
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA incremental_vacuum")


def _some_at_a_time(found: sa.CursorResult[Any]) -> Iterator[Sequence[Raw]]:
    """The driver's own tuples, few enough to stay in the processor's cache.

    A day has so many rows that SQLAlchemy's wrapping of each takes half of the time.
    """
    assert found.cursor is not None, "a SELECT has one"
    while rows := found.cursor.fetchmany(_ROWS_AT_ONCE):
        yield rows
    found.close()


def _within(
    columns: sa.ColumnCollection[str, sa.Column[int]], instance: Instance, span: Span
) -> Iterable[sa.ColumnElement[bool]]:
    return (
        columns.instance_id == instance.id,
        columns.step_s == span.step_s,
        columns.t >= span.start,
        columns.t < span.end,
    )


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
