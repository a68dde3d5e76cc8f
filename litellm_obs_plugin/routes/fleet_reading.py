"""Reads of the database that proxies share: in few threads of their own, as it may be silent."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import HTTPException

THREADS = 2
PLACES = 16  # reads that run or wait; a database that answers has seldom more than one

T = TypeVar("T")


class FleetReading:
    """A silent database holds its readers for seconds: these threads, and nobody else's."""

    def __init__(self, *, threads: int = THREADS, places: int = PLACES) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="litellm-obs-fleet")
        self._places = threading.Semaphore(places)

    async def run(self, read: Callable[[], T]) -> T:
        """What *read* gives.

        Raises:
            HTTPException: 503 when too many wait already.
        """
        if not self._places.acquire(blocking=False):
            msg = "the fleet's database is slow to answer and too many questions wait for it"
            raise HTTPException(503, msg, headers={"retry-after": "5"})
        future = self._executor.submit(read)
        future.add_done_callback(self._leave)  # also when the caller is gone
        return await asyncio.wrap_future(future)

    def _leave(self, _: Future[Any]) -> None:
        self._places.release()
