"""Objectives of the settings, and their past out of history."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from litellm_obs_plugin.history.standing import HistoryError
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.sections import SloSettings
from litellm_obs_plugin.slo.objective import EVENTS, Kind, Objective
from litellm_obs_plugin.slo.promises import Promises, since_start

if TYPE_CHECKING:
    from litellm_obs_plugin.history.past import PastReader


def make_promises(
    settings: Sequence[SloSettings],
    *,
    archive: "Callable[[], PastReader | None]",
    failed: Callable[[str], None],
) -> Promises:
    """The objectives. While *archive* gives none, only windows since the start are known."""

    def past(live: Snapshot, seconds: float) -> Snapshot | None:
        found = archive()
        if found is None:
            return since_start(live, seconds)
        start = live.taken_at - seconds
        try:
            known = found.read(start=start, end=live.taken_at, live=live, metrics={EVENTS})
        except HistoryError:
            failed("read_history")
            return since_start(live, seconds)
        return known.snapshot(live)

    return Promises(objectives=[_objective(one) for one in settings], past=past)


def _objective(one: SloSettings) -> Objective:
    return Objective(
        name=one.name,
        objective=one.objective,
        kind=Kind(one.kind),
        threshold_s=one.threshold_ms / 1000 if one.threshold_ms is not None else None,
        models=frozenset(one.models),
    )
