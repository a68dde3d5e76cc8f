"""Which bin a value falls into.

With gamma = 2^(1/32) the bin of key *k* is ``(gamma^(k-1), gamma^k]``: exactly the native-histogram
bucket of index *k* at schema 5, so one structure serves JSON, classic and native histograms without
loss, and sketches of workers, pods and intervals merge by adding their bins.

Source: Masson, Rim, Lee: DDSketch, VLDB 2019; the Prometheus native histogram specification.
"""

import math
from dataclasses import dataclass

from ddsketch.mapping import KeyMapping

SCHEMA = 5
BINS_PER_OCTAVE = 1 << SCHEMA
GAMMA = 2.0 ** (1 / BINS_PER_OCTAVE)
RELATIVE_ERROR = (GAMMA - 1) / (GAMMA + 1)


class PowerOfTwoMapping(KeyMapping):
    """ddsketch's logarithmic mapping; the stock one is off by a bin at powers of two."""

    def __init__(self) -> None:
        super().__init__(RELATIVE_ERROR)
        self.gamma = GAMMA

    def _log_gamma(self, value: float) -> float:
        return math.log2(value) * BINS_PER_OCTAVE

    def _pow_gamma(self, value: float) -> float:
        return float(2.0 ** (value / BINS_PER_OCTAVE))


MAPPING = PowerOfTwoMapping()


def edge(key: int) -> float:
    """The upper edge of bin *key*."""
    return float(2.0 ** (key / BINS_PER_OCTAVE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The range of values a sketch tells apart, as bin keys, both ends included."""

    low_key: int
    high_key: int

    @classmethod
    def between(cls, low: float, high: float) -> "Domain":
        return cls(low_key=MAPPING.key(low), high_key=MAPPING.key(high))

    @property
    def bins(self) -> int:
        return self.high_key - self.low_key + 1

    @property
    def cells(self) -> int:
        """How many 8-byte words a sketch of this domain takes."""
        return HEAD + self.bins


# A sketch's words: these, then its bins. Counts are integers, the rest floats in the same memory.
# SUM alone grows while a worker records; REST is what SUM rounds off, and only merging sets it.
ZERO, COLLAPSED_LOW, COLLAPSED_HIGH, SUM, REST, MIN, MAX = range(7)
HEAD = 8

SECONDS = Domain.between(2.0**-14, 2.0**16)  # 61 us .. 18 h
DOLLARS = Domain.between(1e-7, 1e4)
COUNTS = Domain.between(1.0, 2.0**24)
MICROSECONDS = Domain.between(2.0**-20, 2.0**4)  # 1 us .. 16 s
RATES = Domain.between(2.0**-6, 2.0**20)  # per second
