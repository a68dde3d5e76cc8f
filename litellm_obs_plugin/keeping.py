"""Whether history is kept. SQLAlchemy loads here, if at all."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from litellm_obs_plugin.health.component import NotConfigured, Source
from litellm_obs_plugin.health.past import HistorySource
from litellm_obs_plugin.ledger.log import LogWriter
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.sections import HistorySettings
from litellm_obs_plugin.settings import LedgerSettings

if TYPE_CHECKING:
    from litellm_obs_plugin.history.keeper import Keeper


def make_keeper(
    settings: HistorySettings,
    *,
    ledger: LedgerSettings,
    state_dir: Path,
    meter: Recorder,
    failed: Callable[[str], None],
    clock: Callable[[], float],
) -> "Keeper | None":
    """The keeper of this worker, not yet started; None when history is off."""
    if not settings.enabled:
        return None
    from litellm_obs_plugin.history.keeper import Keeper
    from litellm_obs_plugin.history.request_log import Bounds

    return Keeper(
        directory=state_dir,
        read=Fleet(state_dir, clock=clock).read,
        keep_s=settings.retention.seconds(),
        meter=meter,
        failed=failed,
        clock=clock,
        url=settings.url,
        spool_s=settings.spool_s,
        beside=LogWriter(
            directory=state_dir, keep=ledger.keep, keep_s=ledger.keep_s, clock=clock
        ).write,
        requests=Bounds(keep=ledger.keep, keep_s=ledger.keep_s),
    )


def source_of(keeper: "Keeper | None") -> Source:
    """The history's part of the health report."""
    if keeper is None:
        return NotConfigured()
    return HistorySource(standing=lambda: keeper.standing)
