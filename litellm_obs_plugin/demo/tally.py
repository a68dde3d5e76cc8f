"""The tally: what the traffic got back, counted by the sender itself."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

_RECENT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came back. `status` is 0 without an answer; a stream that broke off is not `ok`."""

    status: int
    ok: bool
    latency_s: float


@dataclass(slots=True, kw_only=True)
class Tally:
    """Results so far. *clock* is monotonic seconds."""

    clock: Callable[[], float]
    sent: int = 0
    ok: int = 0
    failed: Counter[int] = field(default_factory=Counter)
    start_s: float = field(init=False)
    recent_s: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def __post_init__(self) -> None:
        self.start_s = self.clock()

    def add(self, result: Result) -> None:
        if result.ok:
            self.ok += 1
            self.recent_s.append(result.latency_s)
        else:
            self.failed[result.status] += 1

    def line(self) -> str:
        """The numbers as one line; the rate is the average since the start."""
        elapsed_s = max(self.clock() - self.start_s, 1e-9)
        done = self.ok + sum(self.failed.values())
        share = f"{self.ok / done:.1%}" if done else "-"
        p50 = f"{statistics.median(self.recent_s):.2f} s" if self.recent_s else "-"
        failed = ", ".join(f"{n}x {status or 'lost'}" for status, n in sorted(self.failed.items()))
        return (
            f"{self.sent} sent · {share} ok · p50 {p50} · {self.sent / elapsed_s:.1f}/s · "
            f"{_clock_face(elapsed_s)}" + (f" · failed: {failed}" if failed else "")
        )


def _clock_face(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
