"""What happens to batches: packed, posted, tried again, made smaller, or dropped and counted."""

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from litellm_obs_plugin.langfuse.circuit import FIRST_WAIT_S, Circuit
from litellm_obs_plugin.langfuse.parcel import Parcel
from litellm_obs_plugin.langfuse.post import Answer, Verdict

log = logging.getLogger(__name__)

BATCH_ITEMS = 128
BATCH_BYTES = 4 * 2**20
RELIEF = 0.05  # how much more may be tried after each batch, once one was too large
TRIES = 10  # of one batch that a living server does not want
NOTHING_HEARD = Answer(verdict=Verdict.ACCEPTED)


class Postman(Protocol):
    """Where bodies go; :class:`~litellm_obs_plugin.langfuse.post.Post` is one."""

    def send(self, body: bytes, *, within_s: float | None = None) -> Answer: ...


@dataclass(slots=True, kw_only=True)
class Sender:
    """Sends from the left end of *waiting*. One thread's; *settle* hears each parcel's end once."""

    post: Postman
    pack: Callable[[Sequence[Parcel]], bytes]
    settle: Callable[[Sequence[Parcel], str], None]
    waiting: deque[Parcel]
    monotonic: Callable[[], float] = time.monotonic
    circuit: Circuit = field(default_factory=Circuit)
    last: Answer = NOTHING_HEARD  # to the last batch, or to a question
    latency_s: float | None = None  # of the last answer
    _limit: int = BATCH_ITEMS
    _ceiling: float = BATCH_ITEMS  # what is known to be too large, less one
    _fits: int = 0  # what arrived last
    _tries: int = 0
    _logged: bool = False

    @property
    def problem(self) -> str:
        """Why the last batch did not arrive, for people."""
        return self.last.reason

    def send_batch(self, *, until: float | None = None) -> float:
        """Try one batch; seconds to wait before the next. *until* is when all must be over."""
        batch = self._batch()
        if not batch:
            return 0.0
        within_s = max(until - self.monotonic(), 0.05) if until is not None else None
        body = self.pack(batch)
        begun_s = self.monotonic()
        answer = self.last = self.post.send(body, within_s=within_s)
        took_s = self.monotonic() - begun_s
        self.latency_s = took_s if answer.heard else None
        match answer.verdict:
            case Verdict.ACCEPTED:
                self._accepted(batch)
            case Verdict.TOO_LARGE:
                self._make_smaller(batch)
            case Verdict.REFUSED:
                self._log("Langfuse refuses traces; they are dropped", answer)
                self._finish(batch, "rejected")
            case Verdict.RETRY:
                return self._retry(batch, answer, took_s=took_s)
        return 0.0

    def _batch(self) -> list[Parcel]:
        """The oldest parcels, left where they are; while the circuit is open, one."""
        limit, size = (1 if self.circuit.is_open else self._limit), 0
        batch: list[Parcel] = []
        for _, parcel in zip(range(min(limit, len(self.waiting))), self.waiting, strict=False):
            size += parcel.size
            if batch and size > BATCH_BYTES:
                break
            batch.append(parcel)
        return batch

    def _accepted(self, batch: Sequence[Parcel]) -> None:
        if self._logged:
            log.info("litellm_obs: Langfuse takes traces again")
        self._logged = False
        self.circuit.succeeded()
        self._fits = len(batch)
        self._ceiling = min(self._ceiling + RELIEF, BATCH_ITEMS)
        self._limit = max(math.ceil((self._fits + int(self._ceiling)) / 2), 1)
        self._finish(batch, "sent")

    def narrow(self, batch_size: int) -> bool:
        """Smaller batches from now on; False when they are single parcels already."""
        self._ceiling = max(batch_size - 1, 1)
        self._limit = self._fits if 0 < self._fits < batch_size else max(batch_size // 2, 1)
        return batch_size > 1

    def blame(self) -> None:
        """A batch could not even be packed: find out which parcel it was, and drop that."""
        batch = self._batch()
        if batch and not self.narrow(len(batch)):
            self._finish(batch, "failed")

    def _make_smaller(self, batch: Sequence[Parcel]) -> None:
        if self.narrow(len(batch)):
            return
        (parcel,) = batch
        if parcel.has_texts:  # better a trace without them than none
            self.waiting[0] = parcel.without_texts()
        else:
            self._finish(batch, "too_large")

    def _retry(self, batch: Sequence[Parcel], answer: Answer, *, took_s: float) -> float:
        self._log("Langfuse does not take traces now; they wait", answer)
        # A server that is away will be back; one that fails on this very batch may not.
        self._tries += answer.stumbled
        if self._tries >= TRIES:
            self._finish(batch[:1], "gave_up")
        wait_s = self.circuit.failed(told_s=answer.retry_after_s)
        # A server that hung has had its pause already: it counts from the beginning of the try.
        return wait_s if answer.heard else max(wait_s - took_s, FIRST_WAIT_S)

    def _finish(self, batch: Sequence[Parcel], result: str) -> None:
        self._tries = 0
        for _ in batch:
            self.waiting.popleft()
        self.settle(batch, result)

    def _log(self, what: str, answer: Answer) -> None:
        """Once, until a batch arrives again."""
        if not self._logged:
            self._logged = True
            log.warning("litellm_obs: %s: %s", what, answer.reason)
