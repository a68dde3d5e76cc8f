"""Sums of floats that lose nothing, so that a total never falls when its parts are regrouped.

A page that shows 1.2000000000000002 and later 1.2 looks to Prometheus like a counter that started
anew. So a sum is shown correctly rounded, and where it is stored to be added to again (the base) it
is a pair: the rounded sum and the rest, rounded up.
"""

import math
from collections.abc import Iterable

Pair = tuple[float, float]


def add_exactly(parts: Iterable[float]) -> Pair:
    """(rounded sum, rest): together never less than the true sum, and at most 2^-105 more."""
    terms = list(parts)
    if not any(terms[1:]):  # a series of one file, with nothing rounded off
        return (terms[0], 0.0) if terms else (0.0, 0.0)
    total = math.fsum(terms)
    terms.append(-total)
    rest = math.fsum(terms)
    if rest:
        terms.append(-rest)
        if math.fsum(terms) > 0:
            rest = math.nextafter(rest, math.inf)
    return total, rest


def add_to_pair(total: float, rest: float, value: float) -> Pair:
    """*value* added to a running pair, two flops a digit more precise than a float.

    Raises:
        ValueError: *value* is negative, infinite or NaN, or the sum would be infinite.
    """
    new = total + value
    if not (value >= 0 and new - new == 0):
        msg = f"expected a finite number >= 0, got {value!r} to add to {total!r}"
        raise ValueError(msg)
    rest += (total - new) + value if total >= value else (value - new) + total
    shown = new + rest
    if shown < total:  # rounding alone must not let the shown sum fall
        return total, (new - total) + rest
    return shown, (new - shown) + rest
