"""The thread that brings history to the fleet's database, while this worker is the writer."""

import logging
import threading
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from litellm_obs_plugin.history.database import migrate, open_shared
from litellm_obs_plugin.history.delivery import Delivered, Deliverer
from litellm_obs_plugin.history.level import STEP_S
from litellm_obs_plugin.history.request_log import Bounds
from litellm_obs_plugin.history.spool import Spool
from litellm_obs_plugin.history.standing import Delivery, reason_of
from litellm_obs_plugin.history.store import Store

log = logging.getLogger(__name__)

_AFTER_S = 1.0  # the writer has written by then


class Courier:
    """*local* gives the store and the proxy's name while this worker writes, else None."""

    def __init__(
        self,
        *,
        url: str,
        local: Callable[[], tuple[Store, str] | None],
        keep_s: Mapping[int, float],
        spool: Spool,
        failed: Callable[[str], None],
        clock: Callable[[], float],
        requests: Bounds | None = None,
    ) -> None:
        """*requests*: how many requests one by one the fleet keeps of each proxy; None: none."""
        self._url = url
        self._local = local
        self._keep_s = keep_s
        self._spool = spool
        self._failed = failed
        self._clock = clock
        self._requests = requests
        self._engine: sa.Engine | None = None
        self._sender: tuple[Store, Deliverer] | None = None
        self._is_migrated = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="litellm-obs-courier", daemon=True)
        self._told = ""
        self.delivery = Delivery()

    def start(self) -> None:
        """Begin to deliver whenever there is something."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; what has not been sent, the next one sends."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        if self._engine is not None:
            self._engine.dispose()

    def shared(self) -> Store:
        """The fleet's database, for one more thread.

        Raises:
            ImportError: psycopg is not installed.
        """
        if self._engine is None:
            self._engine = open_shared(self._url)
        return Store(self._engine)

    def step(self) -> bool:
        """Send some; whether more waits. A failure is told, and tried again later."""
        local = self._local()
        if local is None:
            self.delivery = Delivery()
            return False
        try:
            found = self._deliver(*local)
        except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
            self._tell(reason_of(error))
            return False
        self._told = ""
        if found is None:
            return False
        self._spool.delivered = found.until
        self.delivery = Delivery(until=found.until, dropped_s=self._spool.dropped_s)
        return found.until < found.written or found.more

    def _deliver(self, local: Store, name: str) -> Delivered | None:
        if self._sender is None or self._sender[0] is not local:
            sender = Deliverer(
                local=local,
                shared=self.shared(),
                name=name,
                keep_s=self._keep_s,
                requests=self._requests,
            )
            self._sender = local, sender
        if not self._is_migrated:
            assert self._engine is not None, "shared() has made it"
            migrate(self._engine)
            self._is_migrated = True
        now = self._clock()
        found = self._sender[1].deliver(now)
        if found is not None and found.until >= found.written:
            self._sender[1].tidy(now)
        return found

    def _run(self) -> None:
        while not self._stopping.is_set():
            more = False
            try:
                more = self.step()
            except Exception as error:  # the thread must outlive whatever one step meets
                self._tell(repr(error))
                log.debug("litellm_obs: history delivery", exc_info=error)
            self._stopping.wait(0.05 if more else self._until_next_s())

    def _until_next_s(self) -> float:
        now = self._clock()
        return STEP_S - (now - _AFTER_S) % STEP_S

    def _tell(self, problem: str) -> None:
        self._failed("history_delivery")
        self.delivery = Delivery(
            problem=problem, until=self._spool.delivered, dropped_s=self._spool.dropped_s
        )
        if problem != self._told:
            self._told = problem
            log.warning("litellm_obs: history is not delivered, it waits on disk: %s", problem)
