"""Hours from before the plugin's own rows, added from another book, each once.

Our own rows begin in the middle of an hour. What that hour had before is added to the rows that
there are: to the hour's if it was summed up already, else to the minutes' or ten seconds' of which
it will be.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from litellm_obs_plugin.history import roster, schema
from litellm_obs_plugin.history.columns import Columns, join
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.level import (
    HOUR_S,
    MINUTE_S,
    STEP_S,
    STEPS_S,
    Span,
    ceil_to,
    floor_to,
)
from litellm_obs_plugin.history.rollup import coarsen
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The *requests* of the hour from *t* on, as rows of :meth:`PastHours.step_s`."""

    t: int
    requests: int
    columns: Columns


class PastHours:
    """Of proxy *name*; *keep_s* says for how long rows of each step are kept."""

    def __init__(self, *, store: Store, name: str, keep_s: Mapping[int, float], now: float) -> None:
        self._store = store
        self._name = name
        self._oldest_minute = floor_to(now - keep_s[MINUTE_S], HOUR_S)

    def begun_at(self) -> float | None:
        """When our own rows begin, seconds since the epoch; None while there are none.

        To the millisecond while that step's rows are kept; what is told once is kept.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be read.
        """
        with self._store.reading() as connection:
            instance = roster.find(connection, self._name)
            if instance is None:
                return None
            table = schema.imported.c
            query = sa.select(table.begun_at).where(table.instance_id == instance.id)
            known = connection.execute(query).scalar()
            return known if known is not None else self._first_instant(connection, instance)

    def done(self) -> frozenset[int]:
        """The hours that are in already.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be read.
        """
        with self._store.reading() as connection:
            instance = roster.find(connection, self._name)
            hour = schema.imported_hour.c
            mine = hour.instance_id == (instance.id if instance is not None else None)
            return frozenset(connection.execute(sa.select(hour.t).where(mine)).scalars())

    def step_s(self, t: int, *, begun_at: float) -> int:
        """The step of the rows to bring of the hour from *t* on: no finer than will be kept."""
        if t + HOUR_S > begun_at:
            return STEP_S
        return MINUTE_S if t >= self._oldest_minute else HOUR_S

    def add(self, hour: Hour, *, begun_at: float) -> bool:
        """Write *hour*, or nothing if it is in; whether it was written.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be written; nothing is.
        """
        with self._store.writing() as connection:
            instance = roster.find(connection, self._name, locked=True)
            if instance is None or not self._claim(connection, instance, hour, begun_at):
                return False
            if hour.requests:  # of an hour without any nobody knows whether the book was kept
                for span in self._spans(hour, instance, begun_at):
                    self._write(connection, instance, hour, span, begun_at)
            self._raise_ready(connection, instance, begun_at)
            return True

    def _first_instant(self, connection: sa.Connection, instance: Instance) -> float | None:
        """As exactly as the rows that are left tell it, and the state's own beginning."""
        levels = sorted(self._store.levels(connection, instance), key=lambda one: -one.step_s)
        if not levels:
            return None
        first, step_s = levels[0].kept, levels[0].step_s
        for finer in levels[1:]:
            if first <= finer.kept < first + step_s:
                first, step_s = finer.kept, finer.step_s
        at = schema.baseline_at.c
        query = sa.select(at.started_at).where(at.instance_id == instance.id)
        started_at = connection.execute(query).scalar()
        if started_at is not None and first <= started_at < first + step_s:
            return float(started_at)
        return float(first)

    def _claim(
        self, connection: sa.Connection, instance: Instance, hour: Hour, begun_at: float
    ) -> bool:
        first = {"instance_id": instance.id, "begun_at": begun_at}
        connection.execute(roster.insert_new(connection, schema.imported), [first])
        mine = {"instance_id": instance.id, "t": hour.t, "requests": hour.requests}
        insert = roster.insert_new(connection, schema.imported_hour)
        claimed = connection.execute(insert.values(**mine))
        return claimed.rowcount == 1

    def _spans(self, hour: Hour, instance: Instance, begun_at: float) -> Iterator[Span]:
        """Where to write it: into every step's rows that nobody will make of finer ones."""
        end, ready = hour.t + HOUR_S, instance.ready
        minute = floor_to(begun_at, MINUTE_S)
        is_summed_up = end <= begun_at or ready[HOUR_S] > hour.t
        if is_summed_up:
            yield Span(start=hour.t, end=end, step_s=HOUR_S)
        if hour.t < self._oldest_minute and is_summed_up:
            return
        if ready[MINUTE_S] > minute:
            yield Span(start=hour.t, end=min(end, minute + MINUTE_S), step_s=MINUTE_S)
            return
        if hour.t < minute:
            yield Span(start=hour.t, end=min(end, minute), step_s=MINUTE_S)
        if minute < end and minute < begun_at:
            yield Span(start=minute, end=ceil_to(begun_at, STEP_S), step_s=STEP_S)

    def _write(
        self,
        connection: sa.Connection,
        instance: Instance,
        hour: Hour,
        span: Span,
        begun_at: float,
    ) -> None:
        columns = _cut(hour.columns, span)
        intervals = list(_watched(span, begun_at))
        shared = floor_to(begun_at, span.step_s)  # the step in which our own rows begin
        if span.start <= shared < span.end:
            here = Span(start=shared, end=shared + span.step_s, step_s=span.step_s)
            columns = join([columns, self._store.read(connection, instance, here)])
            intervals = _add_up(
                [*intervals, *self._store.intervals(connection, instance, here)], here
            )
            self._store.clear(connection, instance, here)
        self._store.add(
            connection,
            instance,
            step_s=span.step_s,
            columns=coarsen(columns, span.step_s),
            intervals=intervals,
            ready=instance.ready[span.step_s],
            now=instance.seen_at,
        )

    def _raise_ready(self, connection: sa.Connection, instance: Instance, begun_at: float) -> None:
        """What lies before our own rows is not summed up again."""
        for step_s in STEPS_S[1:]:
            ready = max(instance.ready[step_s], floor_to(begun_at, step_s))
            roster.set_ready(connection, instance, step_s=step_s, ready=ready, now=instance.seen_at)


def _cut(columns: Columns, span: Span) -> Columns:
    at = np.flatnonzero((columns.t >= span.start) & (columns.t < span.end))
    return columns.take(at)


def _watched(span: Span, begun_at: float) -> Iterator[Interval]:
    """An hour with requests was watched, whole or until our own rows begin."""
    for t in range(span.start, span.end, span.step_s):
        covered_s = min(t + span.step_s, begun_at) - t
        if covered_s > 0:
            yield Interval(t=t, covered_s=covered_s, workers=0)


def _add_up(intervals: list[Interval], shared: Span) -> list[Interval]:
    """*intervals* with those of the *shared* step as one."""
    both = [one for one in intervals if one.t == shared.start]
    rest = [one for one in intervals if one.t != shared.start]
    if not both:
        return rest
    covered_s = min(sum(one.covered_s for one in both), float(shared.step_s))
    workers = max(one.workers for one in both)
    return [*rest, Interval(t=shared.start, covered_s=covered_s, workers=workers)]
