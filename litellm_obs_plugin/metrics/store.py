"""ddsketch's store over the words of a worker file or an array."""

from typing import Any

import numpy as np
from ddsketch.store import Store
from numpy.typing import NDArray

from litellm_obs_plugin.metrics.mapping import COLLAPSED_HIGH, COLLAPSED_LOW, HEAD, Domain


class BinStore(Store):
    """Fixed integer bins; both ends collapse, and what collapsed is counted."""

    def __init__(self, domain: Domain, cells: Any) -> None:
        self.domain = domain
        self.cells = cells

    @property
    def bins(self) -> NDArray[np.int64]:
        return np.frombuffer(self.cells, dtype=np.int64)[HEAD:]

    @property
    def count(self) -> int:
        return int(self.bins.sum())

    @property
    def min_key(self) -> int:
        return self.domain.low_key + int(np.flatnonzero(self.bins)[0])

    @property
    def max_key(self) -> int:
        return self.domain.low_key + int(np.flatnonzero(self.bins)[-1])

    def length(self) -> int:
        return self.domain.bins

    def add(self, key: int, weight: float = 1.0) -> None:
        inside = min(max(key, self.domain.low_key), self.domain.high_key)
        if key < self.domain.low_key:
            self.cells[COLLAPSED_LOW] += int(weight)
        elif key > self.domain.high_key:
            self.cells[COLLAPSED_HIGH] += int(weight)
        self.cells[HEAD + inside - self.domain.low_key] += int(weight)

    def copy(self, store: "BinStore") -> None:
        self.bins[:] = store.bins

    def merge(self, store: "BinStore") -> None:
        self.bins[:] += store.bins

    def key_at_rank(self, rank: float, lower: bool = True) -> int:
        counts = np.cumsum(self.bins)
        if lower:
            at = int(np.searchsorted(counts, rank, side="right"))
        else:
            at = int(np.searchsorted(counts, rank + 1, side="left"))
        return self.domain.low_key + min(at, self.domain.bins - 1)
