"""Classic histogram buckets of a sketch.

Bounds are powers of two: exact edges of bins, so every count is exact and no bin is split. They are
fixed for a domain, so a series never changes its set of `le`. They end below the domain's upper
edge, where values past the domain collapse: those count under `+Inf` alone.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from litellm_obs_plugin.exposition.number import format_number
from litellm_obs_plugin.metrics.sketch import (
    BINS_PER_OCTAVE,
    DOLLARS,
    HEAD,
    SECONDS,
    ZERO,
    Domain,
    Sketch,
)

# Where a domain is wider than what is worth a line per series. Bounds are at 2^k.
_NARROWED = {
    SECONDS: range(-10, 10),  # 1 ms .. 512 s
    DOLLARS: range(-20, 5),  # 1e-6 .. 16
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """The buckets of one domain. *bounds* and *le* end in infinity; *starts* are bin indices."""

    bounds: tuple[float, ...]
    le: tuple[str, ...]
    starts: tuple[int, ...]

    def cumulate(self, sketches: Iterable[Sketch]) -> list[list[int]]:
        """For each sketch the number of values up to each bound; the last is all of them."""
        arrays = [sketch.array for sketch in sketches]
        if not arrays:
            return []
        cells = np.stack(arrays)
        counts = np.add.reduceat(cells[:, HEAD:], self.starts, axis=1).cumsum(axis=1)
        return (counts + cells[:, ZERO : ZERO + 1]).tolist()  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def buckets_of(domain: Domain) -> Buckets:
    """The buckets that every series of *domain* has."""
    octaves = _NARROWED.get(domain) or _inner_octaves(domain)
    bounds = (*(2.0**k for k in octaves), math.inf)
    starts = (k * BINS_PER_OCTAVE + 1 - domain.low_key for k in octaves)
    return Buckets(bounds=bounds, le=tuple(format_number(b) for b in bounds), starts=(0, *starts))


def _inner_octaves(domain: Domain) -> range:
    """From the lowest power of two that ends a bin to the last below the domain's end."""
    first = math.ceil(domain.low_key / BINS_PER_OCTAVE)
    return range(first, math.ceil(domain.high_key / BINS_PER_OCTAVE))
