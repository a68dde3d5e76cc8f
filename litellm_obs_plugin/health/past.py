"""The history's part of the report."""

from collections.abc import Callable
from dataclasses import dataclass

from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.history.standing import Standing

_OVERDUE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySource:
    """*standing* says how history is; when nothing is written for a minute, it is degraded."""

    standing: Callable[[], Standing]

    def check(self, now: float) -> ComponentState:
        found = self.standing()
        if found.problem:
            return ComponentState(
                status=Status.DEGRADED, message=f"not written: {found.problem}", checked_at=now
            )
        if found.written_at is None:
            return ComponentState(status=Status.HEALTHY, message="not written yet", checked_at=now)
        age_s = max(now - found.written_at, 0.0)
        status = Status.DEGRADED if age_s > _OVERDUE_S else Status.HEALTHY
        return ComponentState(status=status, message=f"written {age_s:.0f} s ago", checked_at=now)
