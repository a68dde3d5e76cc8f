"""What every worker does once a second: look at the circuits, note the event loop's lag."""

import asyncio
from collections.abc import Awaitable, Callable

INTERVAL_S = 1.0


async def tick(*, lagged: Callable[[float], None], look: Callable[[], Awaitable[None]]) -> None:
    """Run until cancelled. *lagged* gets how late the loop came back, in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_S
        await asyncio.sleep(INTERVAL_S)
        lagged(max(loop.time() - due, 0.0))
        await look()
