"""One project's queue and the thread that empties it. Nothing here waits on the request path."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from litellm_obs_plugin.langfuse.parcel import Parcel
from litellm_obs_plugin.langfuse.room import Room
from litellm_obs_plugin.langfuse.sender import BATCH_ITEMS, Postman, Sender

log = logging.getLogger(__name__)

_LAST_PAUSE_S = 0.1


class Meter(Protocol):
    """Where the plugin's own counters live. Thread-safe."""

    def count(self, name: str, *labels: str, value: float = 1.0) -> None: ...
    def set(self, name: str, *labels: str, value: float) -> None: ...


class Line(Postman, Protocol):
    """The way to one project."""

    def project_id(self) -> str | None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How it goes. *problem* is empty while batches arrive. Instants are epoch seconds."""

    problem: str
    is_open: bool
    last_success_at: float | None


class Sink:
    """Holds what fits into *room*; what does not, the newest, is dropped and counted.

    Parcels leave in order and whole. The thread starts at once: make only sinks that are used.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Line],
        pack: Callable[[Sequence[Parcel]], bytes],
        room: Room,
        meter: Meter,
        interval_s: float,
    ) -> None:
        self._connect = connect
        self._pack = pack
        self._room = room
        self._meter = meter
        self._interval_s = interval_s
        self._waiting: deque[Parcel] = deque()
        self._sender: Sender | None = None
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._until: float | None = None
        self._complained = False
        self._last_success_at: float | None = None
        self.project_id: str | None = None
        self._thread = threading.Thread(target=self._run, name="litellm-obs-langfuse", daemon=True)
        self._thread.start()

    def add(self, parcel: Parcel) -> None:
        """Queue *parcel*, or drop and count it."""
        if self._until is not None:
            self._count("unsent", [parcel])
        elif self._room.take(parcel.size):
            self._waiting.append(parcel)
            if len(self._waiting) == BATCH_ITEMS:
                self._wake.set()
        else:
            self._count("queue_full", [parcel])

    def status(self) -> Status:
        sender = self._sender
        return Status(
            problem=sender.problem if sender is not None else "",
            is_open=sender is not None and sender.circuit.is_open,
            last_success_at=self._last_success_at,
        )

    @property
    def is_idle(self) -> bool:
        return not self._waiting

    def retire(self) -> None:
        """Stop without waiting for the thread; for a sink that is idle."""
        self._until = time.monotonic()
        self._closing.set()
        self._wake.set()

    def close(self, *, until: float) -> None:
        """Stop, having sent what can be sent before *until* (monotonic seconds)."""
        self._until = until
        self._closing.set()
        self._wake.set()
        self._thread.join(max(until - time.monotonic(), 0.0))
        left = list(self._waiting)
        if left:
            log.warning("litellm_obs: %d traces did not reach Langfuse before the end", len(left))
            self._count("unsent", left)

    def _run(self) -> None:
        line: Line | None = None
        while not self._is_over():
            try:
                line = line or self._start()
                wait_s = self._turn(line)
            except Exception as error:  # noqa: BLE001 the thread's guard: a bad trace must not end it
                self._complain(error)
                wait_s = self._interval_s
            self._show()
            self._pause(wait_s)
        if line is not None:
            line.close()

    def _start(self) -> Line:
        line = self._connect()
        self._sender = Sender(
            post=line, pack=self._pack, settle=self._settle, waiting=self._waiting
        )
        self.project_id = line.project_id()
        return line

    def _turn(self, line: Line) -> float:
        """Send once; seconds until the next turn."""
        sender = self._sender
        if sender is None or not self._waiting:
            return self._interval_s
        wait_s = sender.send_batch(until=self._until)
        if self.project_id is None and self._last_success_at is not None:
            self.project_id = line.project_id() or ""  # asked once more, then never
        if sender.problem:
            return wait_s
        return 0.0 if len(self._waiting) >= BATCH_ITEMS else self._interval_s

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            log.warning("litellm_obs: a trace could not be sent", exc_info=error)
        if self._sender is not None:
            self._sender.blame()
        elif self._waiting:  # not even a connection could be made
            self._settle([self._waiting.popleft()], "failed")

    def _pause(self, wait_s: float) -> None:
        has_problem = self._sender is not None and bool(self._sender.problem)
        if self._until is not None:  # going down: no pause but between tries
            time.sleep(min(wait_s, _LAST_PAUSE_S) if has_problem else 0.0)
        elif has_problem:
            self._closing.wait(wait_s)
        elif wait_s:
            self._wake.wait(wait_s)
            self._wake.clear()

    def _is_over(self) -> bool:
        until = self._until
        return until is not None and (not self._waiting or time.monotonic() >= until)

    def _settle(self, batch: Sequence[Parcel], result: str) -> None:
        self._room.give_back(items=len(batch), size=sum(parcel.size for parcel in batch))
        self._count(result, batch)
        if result == "sent":
            self._last_success_at = now = time.time()
            self._meter.set("langfuse_last_success_timestamp_seconds", value=now)

    def _count(self, result: str, batch: Sequence[Parcel]) -> None:
        observations = sum(parcel.observations for parcel in batch)
        self._meter.count("langfuse_observations_total", result, value=observations)

    def _show(self) -> None:
        self._meter.set("langfuse_queue_items", value=self._room.items)
        self._meter.set("langfuse_queue_bytes", value=self._room.bytes)
