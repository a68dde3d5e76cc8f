"""The line: the connection to one client of the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGoneError(Exception):
    """The client closed the connection before the answer was complete."""


class Line:
    """The connection to one client: sends, and sleeps that end when the client hangs up."""

    def __init__(
        self, receive: Receive, send: Send, *, transport: asyncio.Transport, start_s: float
    ) -> None:
        self.status = 0
        self._send = send
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        # The loop's clock is the monotonic one the receipt was stamped with.
        self._start_s = start_s
        self._gone = self._loop.create_task(_hung_up(receive))

    async def wait_until(self, after_s: float) -> None:
        """Sleep until *after_s* seconds after receipt.

        Raises:
            ClientGoneError: the client hung up first.
        """
        deadline_s = self._start_s + after_s
        # Once even without a delay, to learn of a hang-up; again when a timer fires too early.
        while True:
            left_s = deadline_s - self._loop.time()
            await asyncio.wait({self._gone}, timeout=max(0.0, left_s))
            if self._gone.done():
                raise ClientGoneError
            if self._loop.time() >= deadline_s:
                return

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
        self.status = status

    async def write(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def cut(self) -> None:
        """Close the connection in the middle of whatever it was doing."""
        self._transport.close()
        await self._gone

    async def close(self) -> None:
        self._gone.cancel()
        with suppress(asyncio.CancelledError):
            await self._gone


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
