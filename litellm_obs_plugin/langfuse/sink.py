"""One project's queue and the thread that empties it. Nothing here waits on the request path."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from litellm_obs_plugin.langfuse.parcel import Parcel
from litellm_obs_plugin.langfuse.post import Answer
from litellm_obs_plugin.langfuse.room import Room
from litellm_obs_plugin.langfuse.sender import BATCH_ITEMS, Postman, Sender
from litellm_obs_plugin.langfuse.status import Status

log = logging.getLogger(__name__)

_LAST_PAUSE_S = 0.1
_ASK_AGAIN_S = 30.0


class Meter(Protocol):
    """Where the plugin's own counters live. Thread-safe."""

    def count(self, name: str, *labels: str, value: float = 1.0) -> None: ...
    def set(self, name: str, *labels: str, value: float) -> None: ...


class Line(Postman, Protocol):
    """The way to one project."""

    def read_project(self) -> tuple[str | None, Answer]: ...
    def close(self) -> None: ...


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
        self._answered_at: float | None = None
        self._dropped = 0
        self._dropped_at: float | None = None  # monotonic seconds, as is the next one
        self._asked_at = 0.0
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
        sender, now = self._sender, time.monotonic()
        if sender is None:
            return Status(waiting=len(self._waiting))
        oldest_s = 0.0
        with suppress(IndexError):  # the thread may take the last one away
            oldest_s = now - self._waiting[0].since
        return Status(
            problem=sender.problem,
            is_open=sender.circuit.is_open,
            denied=sender.last.denied,
            heard=sender.last.heard,
            waiting=len(self._waiting),
            oldest_s=oldest_s,
            dropped=self._dropped,
            dropped_s=now - self._dropped_at if self._dropped_at is not None else None,
            latency_s=sender.latency_s,
            answered_at=self._answered_at,
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
        self._ask(line, self._sender)
        return line

    def _ask(self, line: Line, sender: Sender) -> None:
        """Which project it is; this also shows whether Langfuse is there and takes our keys."""
        self._asked_at = time.monotonic()
        found, sender.last = line.read_project()
        self.project_id = found or self.project_id
        self._note(sender.last)

    def _note(self, answer: Answer) -> None:
        if answer.heard:
            self._answered_at = time.time()

    def _turn(self, line: Line) -> float:
        """Send once; seconds until the next turn."""
        sender = self._sender
        if sender is None:
            return self._interval_s
        if not self._waiting:
            if self._is_worth_asking():
                self._ask(line, sender)
            return self._interval_s
        was_well = not sender.problem
        wait_s = sender.send_batch(until=self._until)
        self._note(sender.last)
        if sender.problem:
            return wait_s
        if self.project_id is None and (self._is_worth_asking() or not was_well):
            self._ask(line, sender)
        return 0.0 if len(self._waiting) >= BATCH_ITEMS else self._interval_s

    def _is_worth_asking(self) -> bool:
        """Whether the project or the last answer may be better now."""
        sender = self._sender
        doubtful = self.project_id is None or (sender is not None and bool(sender.problem))
        rested = time.monotonic() - self._asked_at >= _ASK_AGAIN_S
        return doubtful and rested and self._until is None

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
            self._meter.set("langfuse_last_success_timestamp_seconds", value=time.time())

    def _count(self, result: str, batch: Sequence[Parcel]) -> None:
        if result != "sent":
            self._dropped += len(batch)
            self._dropped_at = time.monotonic()
        observations = sum(parcel.observations for parcel in batch)
        self._meter.count("langfuse_observations_total", result, value=observations)

    def _show(self) -> None:
        self._meter.set("langfuse_queue_items", value=self._room.items)
        self._meter.set("langfuse_queue_bytes", value=self._room.bytes)
