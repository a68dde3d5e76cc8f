"""How the simulated providers answer `GET /models`, which costs nothing: health probes ask it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from litellm_obs_plugin.demo.faults import Fault, FaultKind

_STATUS = {
    FaultKind.SERVER_ERROR: 500,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.RATE_LIMIT: 429,
    FaultKind.AUTH: 401,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """What a provider answers, and after how many seconds. With *key*, to that key alone."""

    status: int = 200
    delay_s: float = 0.0
    key: str | None = None


@dataclass(slots=True)
class Moods:
    """The mood of each provider; a good one unless a test has set another."""

    _by_provider: dict[str, Mood] = field(default_factory=dict)

    def set(self, provider: str, mood: Mood) -> None:
        self._by_provider[provider] = mood

    def reset(self) -> None:
        self._by_provider.clear()

    async def status(self, provider: str, *, outage: Fault | None, key: str | None) -> int:
        """The status to answer, once the delay is over."""
        mood = self._by_provider.get(provider, Mood())
        await asyncio.sleep(mood.delay_s)
        if mood.key is not None and key != mood.key:
            return 401
        return _STATUS.get(outage.kind, 200) if outage is not None else mood.status
