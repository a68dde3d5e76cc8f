"""The body of a native histogram: a sketch's bins as sparse, exponential buckets.

At schema 5 a bin is a bucket. A coarser schema joins 2, 4, 8 ... neighbours, which moves no value
across a bucket's edge, so no count is lost and none is guessed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from litellm_obs_plugin.metrics.sketch import SCHEMA, Sketch

COARSEST_SCHEMA = -4


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeBuckets:
    """The filled buckets: bucket *k* of *schema* s is (2^((k-1)/2^s), 2^(k/2^s)]."""

    schema: int
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]

    def spans(self) -> list[tuple[int, int]]:
        """Runs of neighbouring buckets: (gap to the run before, length)."""
        keys = self.keys
        if not keys.size:
            return []
        jumps = keys[1:] - keys[:-1] > 1
        firsts = [int(keys[0]), *keys[1:][jumps].tolist()]
        lasts = [*keys[:-1][jumps].tolist(), int(keys[-1])]
        ends = [0, *(last + 1 for last in lasts)]
        return [
            (first - end, last + 1 - first)
            for end, first, last in zip(ends, firsts, lasts, strict=False)
        ]

    def deltas(self) -> NDArray[np.int64]:
        """Each count less the one before."""
        deltas = self.counts.copy()
        deltas[1:] -= self.counts[:-1]
        return deltas

    def coarsened(self) -> "NativeBuckets":
        """The same counts one schema lower, where a bucket is two of ours."""
        keys = (self.keys + 1) >> 1
        first = np.ones(keys.size, dtype=bool)
        np.not_equal(keys[1:], keys[:-1], out=first[1:])
        counts = np.add.reduceat(self.counts, np.flatnonzero(first))
        return NativeBuckets(schema=self.schema - 1, keys=keys[first], counts=counts)


def native_buckets(sketch: Sketch, *, schema: int, max_buckets: int) -> NativeBuckets:
    """The filled buckets at *schema*, or at the finest below it that has at most *max_buckets*.

    Zeros are not among them. The schema of a growing sketch only ever falls, which Prometheus
    does not take for a reset.
    """
    bins = sketch.bins
    filled = np.flatnonzero(bins)
    keys, counts = filled + sketch.domain.low_key, bins[filled]
    buckets = NativeBuckets(schema=SCHEMA, keys=keys, counts=counts)
    while buckets.schema > max(schema, COARSEST_SCHEMA) or (
        len(buckets.keys) > max_buckets and buckets.schema > COARSEST_SCHEMA
    ):
        buckets = buckets.coarsened()
    return buckets
