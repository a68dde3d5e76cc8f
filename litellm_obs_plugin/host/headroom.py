"""What providers say is left of their rate limits, as a share of the limit."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from litellm_obs_plugin.host.meter import Meter
from litellm_obs_plugin.record import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadroomMeter:
    """Takes finished requests and notes the last answer's limits per deployment."""

    meter: Meter
    clock: Callable[[], float]
    worker: str = field(default_factory=lambda: str(os.getpid()))

    def record(self, request: Request) -> None:
        """Note what the attempts of *request* were told."""
        for attempt in request.attempts:
            for resource, ratio in attempt.headroom.items():
                at = attempt.deployment
                labels = (at.id, at.provider, resource, self.worker)
                self.meter.set("worker_ratelimit_ratio", *labels, value=ratio)
                self.meter.set("worker_ratelimit_seen", *labels, value=self.clock())
