"""What waits in the local file for the database of the fleet."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from litellm_obs_plugin.history.level import HOUR_S, STEP_S, Span, floor_to
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.store import Store


@dataclass(slots=True, kw_only=True)
class Spool:
    """Rows not delivered are kept for *limit_s*; 0: nothing is to be delivered.

    One thread says what has been *delivered* (rows before it; None: not known yet), another drops
    what is too old; *dropped_s* are the watched seconds that the fleet will never see.
    """

    limit_s: float
    delivered: int | None = None
    dropped_s: float = 0.0

    def spare(self, keep_s: Mapping[int, float], now: float) -> Mapping[int, float]:
        """*keep_s*, longer for what waits."""
        if not self.limit_s:
            return keep_s
        waits_s = self.limit_s if self.delivered is None else now - self.delivered
        longest = max(keep_s[STEP_S], min(waits_s, self.limit_s))
        return {**keep_s, STEP_S: longest}

    def drop(self, store: Store, connection: sa.Connection, instance: Instance, now: float) -> None:
        """Count what is about to be forgotten undelivered."""
        before = floor_to(now - self.limit_s, HOUR_S)
        start = self.delivered or 0
        if not self.limit_s or start >= before:
            return
        lost = store.intervals(connection, instance, Span(start=start, end=before, step_s=STEP_S))
        self.dropped_s += sum(one.covered_s for one in lost)
