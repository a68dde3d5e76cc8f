"""Writes what was counted since the last time, and makes coarse rows of fine ones."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from litellm_obs_plugin.history import baseline, roster
from litellm_obs_plugin.history.compaction import compact, expire
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S, ceil_to, floor_to
from litellm_obs_plugin.history.rollup import to_columns
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.spool import Spool
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.metrics.snapshot import Snapshot, difference

_EXPIRE_EVERY_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which proxy this is: *name* is unique among all that share a database."""

    name: str
    host: str


class Writer:
    """The one that writes for this proxy. *keep_s*: for how long rows of each step are kept."""

    def __init__(
        self,
        *,
        store: Store,
        read: Callable[[], Snapshot],
        identity: Identity,
        keep_s: Mapping[int, float],
        spool: Spool | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._read = read
        self._identity = identity
        self._keep_s = keep_s
        self._spool = spool or Spool(limit_s=0.0)
        self._monotonic = monotonic
        self._seen: Snapshot | None = None
        self._seen_at_monotonic: float | None = None
        self._tidied_at = 0
        self._expired_at = -_EXPIRE_EVERY_S

    def write(self) -> float:
        """One row per series that counted since the last call; until when history is now written.

        While the clock is behind what is written already (it was set back), nothing is written: it
        waits, and is part of what :class:`Archive` adds from the live state.

        Raises:
            OSError: the state cannot be read.
            sqlalchemy.exc.DBAPIError: the database cannot be written; nothing is lost, the next
                call writes it all.
        """
        live, instant = self._read(), self._monotonic()
        with self._store.writing() as connection:
            instance = self._join(connection, live.taken_at)
            before = self._seen or self._take_up(connection, instance, live, instant)
            t = self._place(before, live, ready=instance.ready[STEP_S])
            if t is None:
                return before.taken_at
            increase = to_columns(difference(live, before), t=t)
            watched = Interval(
                t=t, covered_s=self._covered_s(before, live, instant), workers=live.workers
            )
            self._store.add(
                connection,
                instance,
                step_s=STEP_S,
                columns=increase,
                intervals=[watched],
                ready=t + STEP_S,
                now=live.taken_at,
            )
            baseline.save(self._store, connection, instance, seen=live, changed=increase)
        self._seen, self._seen_at_monotonic = live, instant
        return live.taken_at

    def _take_up(
        self, connection: sa.Connection, instance: Instance, live: Snapshot, instant: float
    ) -> Snapshot:
        """What the writer before us had seen; the first of all begins with what is new."""
        stored = baseline.load(connection, instance)
        if stored is not None:
            return stored
        first = baseline.begin(live)
        baseline.save(self._store, connection, instance, seen=first, changed=None)
        self._seen_at_monotonic = instant - (live.taken_at - first.taken_at)
        self._seen = first
        return first

    def tidy(self, now: float) -> None:
        """Make coarse rows of fine ones as they become whole, and forget those that are too old.

        Raises:
            sqlalchemy.exc.DBAPIError: the database cannot be written.
        """
        minute = floor_to(now, MINUTE_S)
        if minute == self._tidied_at:
            return
        for step_s in (MINUTE_S, HOUR_S):
            with self._store.writing() as connection:
                compact(self._store, connection, self._join(connection, now), step_s=step_s)
        self._tidied_at = minute
        if self._monotonic() - self._expired_at >= _EXPIRE_EVERY_S:
            self._expired_at = self._monotonic()
            with self._store.writing() as connection:
                instance = self._join(connection, now)
                self._spool.drop(self._store, connection, instance, now)
                keep_s = self._spool.spare(self._keep_s, now)
                expire(self._store, connection, instance, keep_s=keep_s, now=now)
            self._store.shrink()

    def _join(self, connection: sa.Connection, now: float) -> Instance:
        one = self._identity
        return roster.join(connection, name=one.name, host=one.host, now=now)

    def _place(self, before: Snapshot, live: Snapshot, *, ready: int) -> int | None:
        """Where the next row begins: on a step, behind the last one.

        After a restart the first row holds what was counted before it, so it lies where the last
        ended; later ones in the last step that is over, also when the host has slept meanwhile.
        """
        if self._seen is None:
            first = floor_to(before.taken_at, STEP_S)
        else:
            first = floor_to(live.taken_at, STEP_S) - STEP_S
        t = max(first, ready)
        return t if t + STEP_S <= live.taken_at else None

    def _covered_s(self, before: Snapshot, live: Snapshot, instant: float) -> float:
        """Seconds that were watched. The monotonic clock does not count those of sleep."""
        wall_s = live.taken_at - before.taken_at
        if self._seen_at_monotonic is None:
            return min(max(wall_s, 0.0), float(STEP_S))
        return max(min(wall_s, instant - self._seen_at_monotonic), 0.0)


def seconds_until_next(now: float) -> float:
    """Until the next step is over, and a moment more for what is being counted just then."""
    return ceil_to(now + 1e-3, STEP_S) - now + 0.02
