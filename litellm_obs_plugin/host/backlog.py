"""Events that wait a moment and are then handled together.

Between two requests the proxy runs a great deal of other code, which pushes ours out of the
processor's caches: the first of several events handled in a row costs twice what the next one
does. What waits is in memory alone, so a worker that is killed loses it: a quarter of a second of
log events at most, which LiteLLM itself holds back for as long or longer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from litellm_obs_plugin.host import compat

DELAY_S = 0.25
MAX_WAITING = 16  # handled in one go, in a millisecond or two of the event loop


class Backlog:
    """Holds at most *max_waiting* events for at most *delay_s*. Lives on the proxy's event loop."""

    def __init__(
        self,
        *,
        handle: Callable[[Any], None],
        is_urgent: Callable[[], bool],
        delay_s: float = DELAY_S,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """*handle* raises nothing. While something *is_urgent*, nothing waits."""
        self._handle = handle
        self._is_urgent = is_urgent
        self._delay_s = delay_s
        self._max_waiting = max_waiting
        self._waiting: list[Any] = []
        self._call_ids: set[str] = set()

    def add(self, event: Any) -> None:
        """Handle *event* soon; at once when no event loop is running."""
        waiting = self._waiting
        waiting.append(event)
        call_id = event.get("litellm_call_id") if type(event) is dict else None
        if type(call_id) is str:
            self._call_ids.add(call_id)
        if len(waiting) == 1:
            if self._is_urgent() or not compat.run_later(self._delay_s, self.settle):
                self.settle()
        elif len(waiting) >= self._max_waiting or self._is_urgent():
            self.settle()

    def settle(self) -> None:
        """Handle what waits now."""
        if self._waiting:
            events, self._waiting, self._call_ids = self._waiting, [], set()
            for event in events:
                self._handle(event)

    def settle_for(self, event: Mapping[str, Any]) -> None:
        """The same, if something of the request that *event* is about waits."""
        if self._call_ids:
            call_id = event.get("litellm_call_id")
            if type(call_id) is str and call_id in self._call_ids:
                self.settle()
