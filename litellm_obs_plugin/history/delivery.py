"""Ships the rows of ten seconds to the database that a fleet shares: in order, each once.

The local file is the spool. How far an instance's rows have come is written in the transaction that
brings them, so a delivery that was cut off is repeated whole or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from litellm_obs_plugin.history import roster
from litellm_obs_plugin.history.compaction import compact, expire
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S, Span
from litellm_obs_plugin.history.request_delivery import RequestDelivery, is_full
from litellm_obs_plugin.history.request_log import Bounds, RequestLog
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.store import Store

_AT_ONCE_S = 600  # of rows in one transaction
_TIDY_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Rows before *until* have arrived; those before *written* were there to be sent.

    *more*: requests one by one may wait, too.
    """

    until: int
    written: int
    more: bool = False


class Deliverer:
    """From *local* to *shared*, for the proxy *name*. *keep_s* is how long *shared* keeps rows."""

    def __init__(
        self,
        *,
        local: Store,
        shared: Store,
        name: str,
        keep_s: Mapping[int, float],
        requests: Bounds | None = None,
    ) -> None:
        """*requests* says how many requests one by one *shared* keeps of each; None: none."""
        self._local = local
        self._shared = shared
        self._name = name
        self._keep_s = keep_s
        self._bounds = requests
        self._requests = RequestDelivery()
        self._tidied_at = -_TIDY_EVERY_S

    def deliver(self, now: float) -> Delivered | None:
        """Send some of what waits; None when nothing was ever written here.

        Raises:
            sqlalchemy.exc.DBAPIError: one of the two databases does not answer. What waits, waits.
        """
        with self._local.reading() as local:
            mine = roster.find(local, self._name)
            if mine is None:
                return None
            with self._shared.writing() as shared:
                theirs = roster.join(shared, name=mine.name, host=mine.host, now=now)
                until = self._send(local, mine, shared, theirs, now)
                sent = before = self._requests.sent
                if self._bounds is not None:
                    sent = self._requests.send(local, mine, shared, theirs)
        self._requests.sent = sent
        return Delivered(until=until, written=mine.ready[STEP_S], more=is_full(before, sent))

    def _send(
        self,
        local: sa.Connection,
        mine: Instance,
        shared: sa.Connection,
        theirs: Instance,
        now: float,
    ) -> int:
        kept = {one.step_s: one.kept for one in self._local.levels(local, mine)}
        written = mine.ready[STEP_S]
        start = max(theirs.ready[STEP_S], kept.get(STEP_S, written))
        end = min(written, start + _AT_ONCE_S)
        if start >= end:
            return max(theirs.ready[STEP_S], written)
        span = Span(start=start, end=end, step_s=STEP_S)
        self._shared.add(
            shared,
            theirs,
            step_s=STEP_S,
            columns=self._local.read(local, mine, span),
            intervals=self._local.intervals(local, mine, span),
            ready=end,
            now=now,
        )
        return end

    def tidy(self, now: float) -> None:
        """Compact and expire the rows of every instance, also of those that are gone.

        One of the fleet does it at a time; the others find it done.
        """
        if abs(now - self._tidied_at) < _TIDY_EVERY_S:
            return
        self._tidied_at = now
        with self._shared.reading() as connection:
            names = [one.name for one in roster.instances(connection)]
        for name in names:
            for step_s in (MINUTE_S, HOUR_S):
                with self._shared.writing() as connection:
                    if not roster.claim_tidying(connection):
                        return
                    instance = roster.find(connection, name, locked=True)
                    if instance is not None:
                        compact(self._shared, connection, instance, step_s=step_s)
            with self._shared.writing() as connection:
                if not roster.claim_tidying(connection):
                    return
                instance = roster.find(connection, name, locked=True)
                if instance is not None:
                    expire(self._shared, connection, instance, keep_s=self._keep_s, now=now)
            if self._bounds is not None:
                log = RequestLog(store=self._shared, name=name)
                log.expire(before=now - self._bounds.keep_s, keep=self._bounds.keep)
