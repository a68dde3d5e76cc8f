"""Counters and gauges in a worker file."""

import math
from typing import Any

from litellm_obs_plugin.metrics.addition import add_to_pair


class Counter:
    """A sum that is right to the last digit shown, so that 1e6 tiny costs add up to the cent."""

    __slots__ = ("_floats", "_rest", "_total")

    def __init__(self, floats: Any) -> None:
        self._floats = floats
        self._total, self._rest = floats[0], 0.0

    def add(self, value: float) -> None:
        """Add *value*.

        Raises:
            ValueError: it is negative, infinite or NaN.
        """
        total = self._total
        new = total + value
        if value >= 1 and new - value == total and new - total == value:  # exactly: most counts are
            self._floats[0] = self._total = new
            return
        self._total, self._rest = add_to_pair(total, self._rest, value)
        self._floats[0] = self._total


class Gauge:
    """The last value set, or the sum of what was added and taken away."""

    __slots__ = ("_floats",)

    def __init__(self, floats: Any) -> None:
        self._floats = floats

    def add(self, value: float) -> None:
        self.set(self._floats[0] + value)

    def set(self, value: float) -> None:
        """Replace the value.

        Raises:
            ValueError: it is infinite or NaN.
        """
        if not math.isfinite(value):
            msg = f"expected a finite number, got {value!r}"
            raise ValueError(msg)
        self._floats[0] = value
