"""Events that wait a moment and are then handled together.

Between two requests the proxy runs a great deal of other code, which pushes ours out of the
processor's caches: the first of several events handled in a row costs twice what the next one
does. What waits is in memory alone, so a worker that is killed loses it: half a second of
them at most.
"""

from collections.abc import Callable, Mapping
from typing import Any

from litellm_obs_plugin.host import compat

DELAY_S = 0.5
MAX_ENDED = 16  # handled in one go, in a millisecond or two of the event loop
MAX_WAITING = 100


class Backlog:
    """Holds few events for at most *delay_s*. Lives on the proxy's event loop."""

    def __init__(
        self,
        *,
        handle: Callable[..., None],
        is_urgent: Callable[[], bool],
        delay_s: float = DELAY_S,
        max_ended: int = MAX_ENDED,
    ) -> None:
        """*handle* raises nothing. While something *is_urgent*, nothing waits."""
        self._handle = handle
        self._is_urgent = is_urgent
        self._delay_s = delay_s
        self._max_ended = max_ended
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[tuple[Any, bool, tuple[Any, ...]]] = []
        self._call_ids: set[str] = set()
        self._ended: set[str] = set()

    def add(self, call_id: Any, event: tuple[Any, ...], *, passing: bool = False) -> None:
        """Have *handle* called with *event* soon; at once when no event loop is running.

        One that is *passing* says nothing that the end of its request does not say as well.
        """
        call_id = call_id if type(call_id) is str else ""
        self._call_ids.add(call_id)
        self._waiting.append((call_id, passing, event))
        count = len(self._waiting)
        if count >= MAX_WAITING or (
            count == 1 and not compat.run_later(self._delay_s, self.settle)
        ):
            self.settle()

    def add_start(self, call_id: Any, event: tuple[Any, ...]) -> None:
        """The same, of an attempt that begins: what waits of those before it is settled first."""
        if type(call_id) is str and call_id in self._call_ids:
            self.settle()
        self.add(call_id, event)

    def add_end(self, call_id: Any, event: tuple[Any, ...]) -> None:
        """The same, and nothing more is to come of the request."""
        if type(call_id) is str:
            self._ended.add(call_id)
        self.add(call_id, event)
        if len(self._ended) >= self._max_ended or self._is_urgent():
            self.settle()

    def settle(self) -> None:
        """Handle what waits now, in its order."""
        if self._waiting:
            events, ended = self._waiting, self._ended
            self._begin()
            for call_id, passing, event in events:
                if not (passing and call_id in ended):
                    self._handle(*event)

    def settle_for(self, event: Mapping[str, Any]) -> None:
        """The same, if something of the request that *event* is about waits."""
        if self._call_ids:
            call_id = event.get("litellm_call_id")
            if type(call_id) is str and call_id in self._call_ids:
                self.settle()
