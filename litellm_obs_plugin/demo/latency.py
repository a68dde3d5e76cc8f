"""How long the simulated models take: log-normal, as real ones roughly are."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Medians in seconds and the spread (sigma of the logarithm) of one model."""

    ttft_s: float
    per_token_s: float
    sigma: float = 0.35

    def draw_ttft_s(self, rng: random.Random) -> float:
        return rng.lognormvariate(math.log(self.ttft_s), self.sigma)

    def draw_per_token_s(self, rng: random.Random) -> float:
        return rng.lognormvariate(math.log(self.per_token_s), self.sigma / 2)


_TYPICAL = Latency(ttft_s=0.25, per_token_s=0.008)

# First match wins, so the longer name stands before the shorter.
_BY_NAME = (
    ("embed", Latency(ttft_s=0.06, per_token_s=0.0001)),
    ("gpt-4o-mini", Latency(ttft_s=0.22, per_token_s=0.006)),
    ("gpt-4o", Latency(ttft_s=0.35, per_token_s=0.010)),
    ("claude", Latency(ttft_s=0.55, per_token_s=0.012, sigma=0.45)),
    ("mistral-large", Latency(ttft_s=0.40, per_token_s=0.011)),
    ("llama", Latency(ttft_s=0.09, per_token_s=0.002, sigma=0.25)),
)


def latency_of(model: str) -> Latency:
    """The latency of *model*, by a part of its name."""
    return next((latency for part, latency in _BY_NAME if part in model), _TYPICAL)
