"""Whether to send at all: after failures in a row, one small probe at growing distances."""

import random
from collections.abc import Callable

OPEN_AFTER = 3  # failures in a row
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
LONGEST_TOLD_S = 30.0  # of what the server asks for


class Circuit:
    """One destination's. Used by one thread."""

    def __init__(self, *, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._failures = 0

    @property
    def is_open(self) -> bool:
        return self._failures >= OPEN_AFTER

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, *, told_s: float | None) -> float:
        """Seconds to wait before the next try; *told_s* is what the server asked for."""
        self._failures += 1
        if told_s is not None:
            return min(told_s, LONGEST_TOLD_S)
        wait_s: float = min(FIRST_WAIT_S * 2.0 ** (self._failures - 1), LONGEST_WAIT_S)
        return wait_s * (0.8 + 0.2 * self._jitter())
