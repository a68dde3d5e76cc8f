"""One poller for all who watch: a request per view in use, and the last good reading kept."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from dashboard_app.client import MetricsError, Reading
from dashboard_app.trail import Trail
from dashboard_app.view import View

_IDLE_S = 10.0
_LONGEST_WAIT_S = 8.0
_log = logging.getLogger(__name__)


class Reader(Protocol):
    """Who answers a reading."""

    async def read(self, view: View) -> Reading: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The last good reading of a view. *error* is why there is no newer one."""

    reading: Reading | None = None
    history: dict[str, Any] | None = None
    fetched_at: float | None = None
    error: str | None = None
    failures: int = 0


Listener = Callable[[Frame], None]


class Store:
    """Readings of every view that somebody watches.

    A gateway without history is read every ten seconds also when nobody watches, for the trail.
    """

    def __init__(
        self, reader: Reader, *, interval_s: float = 2.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.frames: dict[View, Frame] = {}
        self._reader = reader
        self._interval_s = interval_s
        self._clock = clock
        self._trail = Trail()
        self._listeners: dict[View, set[Listener]] = {}
        self._woken = asyncio.Event()

    def subscribe(self, view: View, listener: Listener) -> None:
        """Tell *listener* of every reading of *view*, beginning with the one at hand."""
        self._listeners.setdefault(view, set()).add(listener)
        if view in self.frames:
            listener(self.frames[view])
        self._woken.set()

    def unsubscribe(self, listener: Listener) -> None:
        """Forget *listener*."""
        for view in list(self._listeners):
            self._listeners[view].discard(listener)
            if not self._listeners[view]:
                del self._listeners[view]

    @property
    def watchers(self) -> int:
        return sum(map(len, self._listeners.values()))

    def age_s(self) -> float | None:
        """Seconds since the last good reading of any view; None before the first."""
        times = [f.fetched_at for f in self.frames.values() if f.fetched_at is not None]
        return self._clock() - max(times) if times else None

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self._woken.clear()
            begun = time.monotonic()
            views = list(self._listeners) or [View()]
            await asyncio.gather(*(self.poll_once(view) for view in views))
            # From begin to begin, or pages would be older than the interval; a gateway that takes
            # long is left alone as long as it took.
            took_s = time.monotonic() - begun
            wait_s = max(self._wait_s() - took_s, took_s)
            try:
                await asyncio.wait_for(self._woken.wait(), wait_s)
            except TimeoutError:
                continue

    async def poll_once(self, view: View) -> Frame:
        """Read *view* and tell who watches it."""
        old = self.frames.get(view, Frame())
        try:
            reading = await self._reader.read(view)
            frame = self._frame(reading, view=view)
        except MetricsError as error:
            frame = _stale(old, str(error))
        except (KeyError, TypeError, ValueError) as error:
            frame = _stale(old, f"The gateway's answer could not be read ({error!r})")
        self.frames[view] = frame
        for listener in list(self._listeners.get(view, ())):
            self._tell(listener, frame)
        return frame

    def _frame(self, reading: Reading, *, view: View) -> Frame:
        now = self._clock()
        history = reading.metrics.get("history")
        if not reading.metrics.get("filter"):
            if not view.filters:
                self._trail.add(reading.metrics, at=now)
            history = history or self._trail.history(
                seconds=view.seconds, step_s=view.step_s, now=now
            )
        return Frame(reading=reading, history=history, fetched_at=now)

    def _wait_s(self) -> float:
        if not self._listeners:
            return _IDLE_S
        failures = max(
            (self.frames[s].failures for s in self._listeners if s in self.frames), default=0
        )
        return float(
            min(self._interval_s * 2 ** min(failures, 4), max(_LONGEST_WAIT_S, self._interval_s))
        )

    def _tell(self, listener: Listener, frame: Frame) -> None:
        try:
            listener(frame)
        except (RuntimeError, ValueError, KeyError, TypeError):  # a page that has just closed
            _log.exception("A page could not be told of a reading")
            self.unsubscribe(listener)


def _stale(old: Frame, error: str) -> Frame:
    return Frame(
        reading=old.reading,
        history=old.history,
        fetched_at=old.fetched_at,
        error=error,
        failures=old.failures + 1,
    )
