"""The one place that runs when a proxy stops: on SIGTERM neither atexit nor cancellation does."""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

_NAME = "proxy_shutdown_event"
_DRAIN_S = 5.0


def on_shutdown(close: Callable[[], object], *, settle: Callable[[], None]) -> bool:
    """Have *close* called, in a thread, when the proxy stops; False when this LiteLLM cannot.

    It looks the function up in its module when it stops, so rebinding it is enough. Before *close*,
    what LiteLLM has queued for callbacks is waited for, and *settle* records what came of it.
    """
    proxy_server = sys.modules.get("litellm.proxy.proxy_server")
    original = getattr(proxy_server, _NAME, None)
    if original is None:
        return False

    async def stopping(*args: Any, **keywords: Any) -> Any:
        try:
            await _drain_callbacks()
            settle()
            await asyncio.to_thread(close)
        except Exception as error:  # whatever we do, the proxy must stop in order
            log.warning("litellm_obs: not all was sent before the end", exc_info=error)
        return await original(*args, **keywords)

    setattr(proxy_server, _NAME, stopping)
    return True


async def _drain_callbacks() -> None:
    try:
        from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

        await asyncio.wait_for(GLOBAL_LOGGING_WORKER.flush(), _DRAIN_S)
    except (ImportError, AttributeError, TimeoutError) as error:
        log.debug("litellm_obs: LiteLLM's callbacks were not waited for: %r", error)
