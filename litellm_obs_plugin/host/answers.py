"""The last finished requests of this worker, for who answers the caller and must know the end."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from litellm_obs_plugin.record import Outcome, Request

_CAPACITY = 2_000

# (call id, time of receipt in epoch seconds): callers may choose the id, also one that somebody
# else has under way.
Key = tuple[str, float]


class Answers:
    """Remembers finished requests. Lives on the proxy's event loop."""

    def __init__(
        self, *, capacity: int = _CAPACITY, settle: Callable[[], None] = lambda: None
    ) -> None:
        """*settle* has everything recorded that has ended by now."""
        self._capacity = capacity
        self._settle = settle
        self._finished: OrderedDict[tuple[str, float | None], Request] = OrderedDict()
        # By call id alone, so that a request that ends asks nobody who waits for another.
        self._waiting: dict[str, list[tuple[Key, asyncio.Future[None]]]] = {}

    def is_awaited(self) -> bool:
        """Whether anybody waits for a request to end."""
        return bool(self._waiting)

    def record(self, request: Request) -> None:
        """Remember *request* and wake who waits for it."""
        keys: list[tuple[str, float | None]] = [(request.call_id, request.received_at)]
        if request.outcome is Outcome.REJECTED:
            keys.append((request.call_id, None))
        for key in keys:
            self._finished[key] = request
            self._finished.move_to_end(key)
            if len(self._finished) > self._capacity:
                self._finished.popitem(last=False)
        self._wake(request)

    def _wake(self, request: Request) -> None:
        for key, future in self._waiting.get(request.call_id, ()):
            if self.get(key) is not None and not future.done():
                future.set_result(None)

    def get(self, key: Key) -> Request | None:
        """The finished request of that key.

        Of one that LiteLLM refused at once the time of receipt may not be known: then one of the
        same id that was refused since; it says nothing of anybody's traffic.
        """
        call_id, received_at = key
        exact = self._finished.get(key)
        if exact is not None:
            return exact
        refused = self._finished.get((call_id, None))
        return refused if refused is not None and refused.received_at >= received_at else None

    async def wait(self, key: Key, *, timeout_s: float) -> Request | None:
        """The same, waiting up to *timeout_s* seconds for its end."""
        self._settle()
        request = self.get(key)
        if request is not None:
            return request
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key[0], []).append((key, future))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(future, timeout_s)
        finally:
            self._forget(key, future)
        return self.get(key)

    def _forget(self, key: Key, future: asyncio.Future[None]) -> None:
        others = [one for one in self._waiting[key[0]] if one[1] is not future]
        if others:
            self._waiting[key[0]] = others
        else:
            del self._waiting[key[0]]
