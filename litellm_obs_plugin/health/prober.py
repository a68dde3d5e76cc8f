"""Probes in the background: one worker of a host for all, in a thread beside the proxy's loop."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from litellm_obs_plugin.health.board import Board
from litellm_obs_plugin.health.round import Manner, probe_all
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.metrics.election import Election

_JITTER = 0.1
_UNTIL_TARGETS_S = 0.25


class Prober:
    """*targets* gives what to probe; each round goes on the *board*."""

    def __init__(
        self,
        *,
        targets: Callable[[], Sequence[Target]],
        board: Board,
        election: Election,
        manner: Manner,
        interval_s: float,
        failed: Callable[[str], None],
    ) -> None:
        self._targets = targets
        self._board = board
        self._election = election
        self._manner = manner
        self._interval_s = interval_s
        self._failed = failed
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="litellm-obs-probe")
        self._running: asyncio.Future[None] | None = None
        self.rounds = 0

    async def run(self, *, done: Callable[[], Awaitable[object]]) -> None:
        """A round every interval while this worker is the elected one, until cancelled.

        *done* follows each round. One that fails is counted, and the next one runs.
        """
        loop = asyncio.get_running_loop()
        while not self._targets():  # noqa: ASYNC110 nobody tells when the router is built
            await asyncio.sleep(_UNTIL_TARGETS_S)
        while True:
            started_s = loop.time()
            (problem,) = await asyncio.gather(self._take_turn(done), return_exceptions=True)
            if problem is not None:
                self._failed("probe")
            pause_s = self._interval_s * random.uniform(1 - _JITTER, 1)
            await asyncio.sleep(max(pause_s - (loop.time() - started_s), 0.0))

    async def probe_now(self) -> None:
        """One round at once, whoever is elected; callers at the same time share it.

        Raises:
            OSError: the state directory cannot be written.
        """
        if self._running is None:
            targets = self._targets()
            loop = asyncio.get_running_loop()
            self._running = loop.run_in_executor(self._executor, self._play, targets)
            self._running.add_done_callback(self._ended)
        await asyncio.shield(self._running)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._election.close()

    async def _take_turn(self, done: Callable[[], Awaitable[object]]) -> None:
        if self._election.is_won():
            await self.probe_now()
            await done()

    def _play(self, targets: Sequence[Target]) -> None:
        self.rounds += 1
        self._board.write(asyncio.run(probe_all(targets, self._manner)))

    def _ended(self, _: object) -> None:
        self._running = None
