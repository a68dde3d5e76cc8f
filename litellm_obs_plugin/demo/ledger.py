"""The ledger: what the simulated providers really did, call by call."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from litellm_obs_plugin.demo.usage import Usage

CAPACITY = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One finished upstream call.

    `at` is seconds since the epoch, at receipt. Latencies are seconds on a monotonic clock.
    `status` is the HTTP status that was sent, 0 when none was. Tokens are what the provider
    would bill: none on an error, the part generated so far on a broken stream.
    """

    at: float
    provider: str
    path: str
    model: str
    case: str | None
    status: int
    fault: str | None
    stream: bool
    usage: Usage
    latency_s: float
    ttft_s: float | None
    authorization_seen: bool
    aborted: bool

    def as_json(self, seq: int) -> dict[str, object]:
        flat = asdict(self)
        return {"seq": seq, **flat.pop("usage"), **flat}


@dataclass(slots=True)
class Ledger:
    """The last *capacity* calls in full, and totals of all of them since the last reset."""

    capacity: int = CAPACITY
    _seq: int = 0
    _calls: deque[tuple[int, Call]] = field(init=False)
    _totals: Counter[tuple[str, str, int, str]] = field(default_factory=Counter)
    _tokens: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._calls = deque(maxlen=self.capacity)

    def add(self, call: Call) -> None:
        self._seq += 1
        self._calls.append((self._seq, call))
        self._totals[call.provider, call.model, call.status, call.path] += 1
        self._tokens.update(asdict(call.usage))

    def calls(self, *, case: str | None = None, since: int = 0) -> Iterable[dict[str, object]]:
        """Calls with a number above *since*, oldest first; of one *case* or of all."""
        return (
            call.as_json(seq)
            for seq, call in self._calls
            if seq > since and (case is None or call.case == case)
        )

    def totals(self) -> dict[str, object]:
        """Counts since the last reset, also of calls that have left the ring."""
        return {
            "calls": sum(self._totals.values()),
            "tokens": dict(self._tokens),
            "by": [
                {"provider": provider, "model": model, "status": status, "path": path, "calls": n}
                for (provider, model, status, path), n in sorted(self._totals.items())
            ],
        }

    def reset(self) -> None:
        """Forget all calls. Numbering goes on, so an old `since` never hides a new call."""
        self._calls.clear()
        self._totals.clear()
        self._tokens.clear()
