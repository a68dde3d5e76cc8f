"""Any window of the past, and what is counted but not written yet, as if it were one."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from litellm_obs_plugin.history import baseline, roster
from litellm_obs_plugin.history.columns import Columns, join
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.level import (
    STEP_S,
    STEPS_S,
    Level,
    ceil_to,
    cover,
    first_instant,
    floor_to,
)
from litellm_obs_plugin.history.past import Past
from litellm_obs_plugin.history.rollup import to_columns
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.standing import HistoryError
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.metrics.snapshot import Snapshot, difference


class Archive:
    """Reads what the writer of proxy *name* has written. For one thread."""

    def __init__(self, *, store: Store, name: str) -> None:
        self._store = store
        self._name = name
        self._baseline: Snapshot | None = None
        self._last: tuple[Snapshot, Snapshot, Snapshot] | None = None

    def read(
        self,
        *,
        start: float,
        end: float,
        live: Snapshot,
        step_s: int | None = None,
        metrics: Collection[str] | None = None,
    ) -> Past:
        """The window; with *step_s* of rows no longer than that, as far as there are such.

        Raises:
            HistoryError: the database cannot be read.
        """
        try:
            return self._read(start, end, live, step_s, metrics)
        except sa.exc.DatabaseError as error:
            msg = f"the history cannot be read: {error.orig}"
            raise HistoryError(msg) from error

    def _read(
        self,
        start: float,
        end: float,
        live: Snapshot,
        step_s: int | None,
        metrics: Collection[str] | None,
    ) -> Past:
        with self._store.reading() as connection:
            instance = roster.find(connection, self._name)
            before = self._seen(connection, instance) or baseline.begin(live)
            levels = self._store.levels(connection, instance) if instance is not None else []
            fit_s = fit(start, levels, step_s)
            first = float(floor_to(start, STEP_S))
            parts: list[Columns] = []
            watched: list[Interval] = []
            if instance is not None:
                written = read_written(
                    self._store,
                    connection,
                    instance,
                    start=start,
                    end=end,
                    fit_s=fit_s,
                    metrics=metrics,
                )
                first, parts, watched = written.first, written.parts, written.intervals
        if end > before.taken_at and live.taken_at > first:
            parts.append(_newest(self._increase(live, before), live, before, metrics))
            watched.append(_unwritten(live, before, first))
        return Past(
            start=float(first),
            end=min(end, live.taken_at),
            columns=join(parts),
            intervals=tuple(watched),
            fit_s=fit_s,
        )

    def _increase(self, live: Snapshot, before: Snapshot) -> Snapshot:
        """What is not written yet; one answer asks for it several times."""
        if self._last is None or self._last[0] is not live or self._last[1] is not before:
            self._last = live, before, difference(live, before)
        return self._last[2]

    def _seen(self, connection: sa.Connection, instance: Instance | None) -> Snapshot | None:
        """The writer's baseline; read again only when the writer has written."""
        if instance is None:
            return None
        at = baseline.written_at(connection, instance)
        if at is not None and (self._baseline is None or self._baseline.taken_at != at):
            self._baseline = baseline.load(connection, instance)
        return self._baseline if at is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Rows of one instance, from *first* on."""

    first: float
    parts: list[Columns]
    intervals: list[Interval]


def read_written(
    store: Store,
    connection: sa.Connection,
    instance: Instance,
    *,
    start: float,
    end: float,
    fit_s: int,
    metrics: Collection[str] | None,
) -> Written:
    """What *instance* has written of a window, in rows that fit into steps of *fit_s*."""
    levels = store.levels(connection, instance)
    usable = [one for one in levels if fit_s % one.step_s == 0]
    first = first_instant(start, usable) if usable else floor_to(start, STEP_S)
    until = min(end, max((one.ready for one in usable), default=0))
    spans = list(cover(first, until, usable))
    return Written(
        first=float(first),
        parts=[store.read(connection, instance, span, metrics=metrics) for span in spans],
        intervals=[one for span in spans for one in store.intervals(connection, instance, span)],
    )


def fit(start: float, levels: list[Level], step_s: int | None) -> int:
    """The step to read by: what is asked for, in whole rows of those that reach to *start*."""
    kept = sorted(one.step_s for one in levels if one.kept <= start)
    finest = kept[0] if kept else STEP_S
    return ceil_to(max(step_s or STEPS_S[-1], finest), finest)


def _newest(
    increase: Snapshot, live: Snapshot, before: Snapshot, metrics: Collection[str] | None
) -> Columns:
    if metrics is not None:
        increase = Snapshot(
            started_at=increase.started_at,
            taken_at=increase.taken_at,
            series={n: s for n, s in increase.series.items() if n in metrics},
        )
    return to_columns(increase, t=_tail_at(live, before))


def _tail_at(live: Snapshot, before: Snapshot) -> int:
    """The step of the newest counts: the one under way, or the one before if nothing else is."""
    return max(floor_to(before.taken_at, STEP_S), ceil_to(live.taken_at, STEP_S) - STEP_S)


def _unwritten(live: Snapshot, before: Snapshot, first: float) -> Interval:
    watched_s = live.taken_at - max(before.taken_at, first)
    return Interval(t=_tail_at(live, before), covered_s=max(watched_s, 0.0), workers=live.workers)
