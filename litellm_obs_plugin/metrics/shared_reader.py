"""Reads snapshots off the event loop: one thread reads, and simultaneous callers share a read."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from litellm_obs_plugin.metrics.snapshot import Snapshot

T = TypeVar("T")


class SharedReader:
    """*read* runs in one thread of our own, so it may keep state; the host's pool is left alone."""

    def __init__(
        self, read: Callable[[], Snapshot], *, settle: Callable[[], None] = lambda: None
    ) -> None:
        """*settle* has everything recorded that has ended by now. It runs on the event loop."""
        self._read = read
        self.settle = settle
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="litellm-obs-read")
        self._running: dict[Hashable, asyncio.Future[Any]] = {}

    async def view(self, key: Hashable, build: Callable[[Snapshot], T]) -> T:
        """What *build* makes of a fresh snapshot. Calls with the same *key* share one result.

        Raises:
            OSError: the state cannot be read.
        """
        running = self._running.get(key)
        if running is None:
            self.settle()
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, lambda: build(self._read()))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        # One caller that hangs up must not cancel the read of the others.
        return await asyncio.shield(running)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)
