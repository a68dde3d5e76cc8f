"""Whether history is kept. SQLAlchemy loads here, if at all, and not while the proxy boots."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from litellm_obs_plugin.health.component import NotConfigured, Source
from litellm_obs_plugin.health.past import HistorySource
from litellm_obs_plugin.history.standing import Standing
from litellm_obs_plugin.ledger.log import LogWriter
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.sections import HistorySettings
from litellm_obs_plugin.settings import LedgerSettings

if TYPE_CHECKING:
    from litellm_obs_plugin.history.archive import Archive
    from litellm_obs_plugin.history.fleet_archive import FleetArchive
    from litellm_obs_plugin.history.keeper import Keeper
    from litellm_obs_plugin.history.request_log import RequestLog

log = logging.getLogger(__name__)


class LateKeeper:
    """A keeper that is made in a thread once the proxy boots: what it needs takes long to load."""

    def __init__(self, make: "Callable[[], Keeper]", *, failed: Callable[[str], None]) -> None:
        self._make = make
        self._failed = failed
        self._keeper: Keeper | None = None
        self._problem = ""
        self._closed = False
        self._lock = threading.Lock()
        # No daemon: one that is stopped in the middle of an import keeps the lock of all imports,
        # for which the interpreter then waits at its end.
        self._thread = threading.Thread(target=self._begin, name="litellm-obs-load")

    @property
    def standing(self) -> Standing:
        """How it stands; before it has begun nothing is written."""
        return self._keeper.standing if self._keeper else Standing(problem=self._problem)

    def start(self) -> None:
        """Begin in a thread, soon."""
        self._thread.start()

    def archive(self) -> "Archive | None":
        """As of :class:`Keeper`; None until it has begun."""
        return self._keeper.archive() if self._keeper else None

    def fleet_archive(self) -> "FleetArchive | None":
        """As of :class:`Keeper`; None until it has begun."""
        return self._keeper.fleet_archive() if self._keeper else None

    def requests(self) -> "RequestLog | None":
        """As of :class:`Keeper`; None until it has begun."""
        return self._keeper.requests() if self._keeper else None

    def fleet_requests(self) -> "RequestLog | None":
        """As of :class:`Keeper`; None until it has begun."""
        return self._keeper.fleet_requests() if self._keeper else None

    def close(self) -> None:
        """End it, or see that it does not begin."""
        with self._lock:
            self._closed = True
            if self._keeper is not None:
                self._keeper.close()

    def _begin(self) -> None:
        try:
            keeper = self._make()
        except Exception as error:  # noqa: BLE001 a thread has nobody to raise it to
            self._problem = repr(error)
            self._failed("history")
            log.warning("litellm_obs: history is not kept: %s", error)
            return
        with self._lock:
            if not self._closed:
                self._keeper = keeper
                keeper.start()


def make_keeper(
    settings: HistorySettings,
    *,
    ledger: LedgerSettings,
    state_dir: Path,
    meter: Recorder,
    failed: Callable[[str], None],
    clock: Callable[[], float],
) -> LateKeeper | None:
    """The keeper of this worker, not yet started; None when history is off."""
    if not settings.enabled:
        return None

    def make() -> "Keeper":
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

    return LateKeeper(make, failed=failed)


def source_of(keeper: LateKeeper | None) -> Source:
    """The history's part of the health report."""
    if keeper is None:
        return NotConfigured()
    return HistorySource(standing=lambda: keeper.standing)
