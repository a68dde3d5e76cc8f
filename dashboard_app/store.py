"""One poller for all who watch: a request per range in use, and the last good reading kept."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from dashboard_app.client import MetricsError, Reading
from dashboard_app.span import DEFAULT_SPAN, SPANS, step_s
from dashboard_app.trail import Trail

_IDLE_S = 10.0
_LONGEST_WAIT_S = 8.0
_log = logging.getLogger(__name__)


class Reader(Protocol):
    """Who answers a reading."""

    async def read(self, *, window: str, step_s: int) -> Reading: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The last good reading of a range. *error* is why there is no newer one."""

    reading: Reading | None = None
    history: dict[str, Any] | None = None
    fetched_at: float | None = None
    error: str | None = None
    failures: int = 0


Listener = Callable[[Frame], None]


class Store:
    """Readings of every range that somebody watches.

    A gateway without history is read every ten seconds also when nobody watches, for the trail.
    """

    def __init__(
        self, reader: Reader, *, interval_s: float = 2.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.frames: dict[str, Frame] = {}
        self._reader = reader
        self._interval_s = interval_s
        self._clock = clock
        self._trail = Trail()
        self._listeners: dict[str, set[Listener]] = {}
        self._woken = asyncio.Event()

    def subscribe(self, span: str, listener: Listener) -> None:
        """Tell *listener* of every reading of *span*, beginning with the one at hand."""
        self._listeners.setdefault(span, set()).add(listener)
        if span in self.frames:
            listener(self.frames[span])
        self._woken.set()

    def unsubscribe(self, listener: Listener) -> None:
        """Forget *listener*."""
        for span in list(self._listeners):
            self._listeners[span].discard(listener)
            if not self._listeners[span]:
                del self._listeners[span]

    @property
    def watchers(self) -> int:
        return sum(map(len, self._listeners.values()))

    def age_s(self) -> float | None:
        """Seconds since the last good reading of any range; None before the first."""
        times = [f.fetched_at for f in self.frames.values() if f.fetched_at is not None]
        return self._clock() - max(times) if times else None

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            self._woken.clear()
            spans = list(self._listeners) or [DEFAULT_SPAN]
            await asyncio.gather(*(self.poll_once(span) for span in spans))
            wait_s = self._wait_s()
            try:
                await asyncio.wait_for(self._woken.wait(), wait_s)
            except TimeoutError:
                continue

    async def poll_once(self, span: str) -> Frame:
        """Read *span* and tell who watches it."""
        old = self.frames.get(span, Frame())
        try:
            reading = await self._reader.read(window=span, step_s=step_s(span))
            frame = self._frame(reading, span=span)
        except MetricsError as error:
            frame = _stale(old, str(error))
        except (KeyError, TypeError, ValueError) as error:
            frame = _stale(old, f"The gateway's answer could not be read ({error!r})")
        self.frames[span] = frame
        for listener in list(self._listeners.get(span, ())):
            self._tell(listener, frame)
        return frame

    def _frame(self, reading: Reading, *, span: str) -> Frame:
        now = self._clock()
        self._trail.add(reading.metrics, at=now)
        history = reading.metrics.get("history") or self._trail.history(
            seconds=SPANS[span], step_s=step_s(span), now=now
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
        except Exception:  # noqa: BLE001  one closed page must not stop the others
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
