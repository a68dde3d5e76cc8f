"""Token counts of one simulated answer."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, counted the OpenAI way.

    `input_tokens` includes the cached and the cache-write tokens, `output_tokens` includes the
    reasoning tokens.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def up_to(self, share: float) -> Usage:
        """What a provider has generated after *share* (0 to 1) of the answer."""
        return replace(
            self,
            output_tokens=round(self.output_tokens * share),
            reasoning_tokens=round(self.reasoning_tokens * share),
        )


def draw_usage(prompt: str, rng: random.Random, *, reasons: bool, writes_cache: bool) -> Usage:
    """Plausible token counts for *prompt*: about four letters a token, some of it cached."""
    input_tokens = max(1, len(prompt) // 4) + rng.randint(20, 400)
    output_tokens = max(1, round(rng.lognormvariate(4.2, 0.6)))
    cached = int(input_tokens * rng.uniform(0.3, 0.8)) if rng.random() < 0.3 else 0
    written = (input_tokens - cached) // 2 if writes_cache and rng.random() < 0.15 else 0
    reasoning = int(output_tokens * rng.uniform(0.2, 0.6)) if reasons else 0
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )
