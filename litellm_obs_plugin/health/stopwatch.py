"""How long each step of a probe took."""

import time
from dataclasses import dataclass, field
from typing import Any

from litellm_obs_plugin.health.finding import Phases

_STEPS = {"connect_tcp": "tcp", "start_tls": "tls"}


@dataclass(slots=True)
class Stopwatch:
    """Durations of the steps that ended; *step* is the one under way."""

    step: str = "dns"
    _started_s: float = field(default_factory=time.perf_counter)
    _took_s: dict[str, float] = field(default_factory=dict)

    def begin(self, step: str) -> None:
        self.step, self._started_s = step, time.perf_counter()

    def end(self) -> None:
        self._took_s[self.step] = time.perf_counter() - self._started_s

    def phases(self) -> Phases:
        return Phases(**{f"{step}_s": seconds for step, seconds in self._took_s.items()})

    async def trace(self, event: str, _: Any) -> None:
        """Follow httpcore's trace extension: ``connection.start_tls.started`` and the like."""
        _, step, moment = event.split(".")
        if step in _STEPS and moment == "started":
            self.begin(_STEPS[step])
        elif step in _STEPS and moment == "complete":
            self.end()
            self.begin("http")
        elif step == "receive_response_headers" and moment == "complete":
            self.end()
