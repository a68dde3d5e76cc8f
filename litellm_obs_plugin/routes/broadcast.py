"""One computation for all who listen: frames made at an interval while anybody does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """*number* grows; over restarts and workers too, as it is the time in milliseconds or more."""

    number: int
    body: str


class Broadcast:
    """Everyone gets the newest frame as soon as they can take it; who is slow skips frames."""

    def __init__(
        self,
        make: Callable[[], Awaitable[str | None]],
        *,
        interval_s: float,
        clock: Callable[[], float],
    ) -> None:
        """*make* answers a frame's body, or None when there is none this time."""
        self._make = make
        self._interval_s = interval_s
        self._clock = clock
        self._newest = Frame(number=0, body="")
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.listeners = 0

    async def listen(self, *, after: int = 0) -> AsyncIterator[Frame]:
        """The frames with numbers above *after*; ends only when no more can be made."""
        if after > max(self._clock() * 1000, self._newest.number):
            after = 0  # no frame of ours: its reader would wait for ever
        self.listeners += 1
        task = self._task
        if task is None or task.done():
            task = self._task = asyncio.create_task(self._run())
            task.add_done_callback(_tell)
        try:
            while not task.done():
                if self._newest.number > after:
                    after = self._newest.number
                    yield self._newest
                else:
                    await self._changed.wait()
        finally:
            self.listeners -= 1
            if not self.listeners:
                task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                due = loop.time() + self._interval_s
                body = await self._make()
                if body is not None:
                    number = max(self._newest.number + 1, int(self._clock() * 1000))
                    self._newest = Frame(number=number, body=body)
                    self._wake()
                await asyncio.sleep(max(due - loop.time(), 0.0))
        finally:
            # Those who wait look at the task once it is done, one turn from now.
            asyncio.get_running_loop().call_soon(self._wake)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _tell(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("litellm_obs: a stream has ended: %s", error)
