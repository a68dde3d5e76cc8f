"""The last finished requests of this worker, for who answers the caller and must know the end."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from litellm_obs_plugin.record import Request

_CAPACITY = 2_000


class Answers:
    """Remembers finished requests by call id. Lives on the proxy's event loop."""

    def __init__(
        self, *, capacity: int = _CAPACITY, settle: Callable[[], None] = lambda: None
    ) -> None:
        """*settle* has everything recorded that has ended by now."""
        self._capacity = capacity
        self._settle = settle
        self._finished: OrderedDict[str, Request] = OrderedDict()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def is_awaited(self) -> bool:
        """Whether anybody waits for a request to end."""
        return bool(self._waiting)

    def record(self, request: Request) -> None:
        """Remember *request* and wake who waits for it."""
        self._finished[request.call_id] = request
        self._finished.move_to_end(request.call_id)
        if len(self._finished) > self._capacity:
            self._finished.popitem(last=False)
        for future in self._waiting.pop(request.call_id, ()):
            if not future.done():
                future.set_result(None)

    def get(self, call_id: str, *, since: float) -> Request | None:
        """The finished request of that id; not one received before *since* (epoch seconds).

        Callers may choose the id, so an older request of the same id may be somebody else's.
        """
        request = self._finished.get(call_id)
        return request if request is not None and request.received_at >= since else None

    async def wait(self, call_id: str, *, since: float, timeout_s: float) -> Request | None:
        """The same, waiting up to *timeout_s* seconds for its end."""
        self._settle()
        request = self.get(call_id, since=since)
        if request is not None:
            return request
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(call_id, []).append(future)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(future, timeout_s)
        finally:
            self._forget(call_id, future)
        return self.get(call_id, since=since)

    def _forget(self, call_id: str, future: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(call_id)
        if waiting is not None and future in waiting:
            waiting.remove(future)
            if not waiting:
                del self._waiting[call_id]
