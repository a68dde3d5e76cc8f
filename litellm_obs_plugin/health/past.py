"""The history's part of the report."""

from collections.abc import Callable
from dataclasses import dataclass

from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.history.standing import Delivery, Standing

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
        message = f"written {age_s:.0f} s ago"
        if found.delivery is not None:
            message += _describe(found.delivery, now)
            if found.delivery.problem or _lag_s(found.delivery, now) > _OVERDUE_S:
                status = Status.DEGRADED
        if found.damaged:
            status = Status.DEGRADED
            message += f"; damaged, set aside, to be looked at and removed: {found.damaged[-1]}"
        return ComponentState(status=status, message=message, checked_at=now)


def _lag_s(delivery: Delivery, now: float) -> float:
    return max(now - delivery.until, 0.0) if delivery.until is not None else 0.0


def _describe(delivery: Delivery, now: float) -> str:
    """Where the fleet's database stands."""
    text = ""
    if delivery.until is not None:
        text += f"; delivered up to {_lag_s(delivery, now):.0f} s ago"
    if delivery.problem:
        text += f"; waiting on disk: {delivery.problem}"
    if delivery.dropped_s:
        text += f"; {delivery.dropped_s:.0f} s were dropped undelivered"
    return text
