"""Numbers as people read them. None is an em dash, never a zero."""

import math

UNKNOWN = "—"


def count(value: float | None) -> str:
    """982, 17.1k, 25.1M."""
    if value is None:
        return UNKNOWN
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            size = 1e3 if unit == "k" else limit
            return f"{value / size:.3g}{unit}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def counted(value: float | None, one: str) -> str:
    """A count with its noun, such as 1 error or 17.1k errors; *one* takes an s for many."""
    return f"{count(value)} {one if value == 1 else f'{one}s'}"


def money(value: float | None) -> str:
    """US dollars; small amounts keep three significant digits."""
    if value is None:
        return UNKNOWN
    sign, size = ("−" if value < 0 else ""), abs(value)
    if size == 0 or size >= 1:
        return f"{sign}${size:,.2f}"
    if size < 1e-4:
        decimals = 1 - math.floor(math.log10(size))
        return f"{sign}${size:.{decimals}f}" if decimals <= 9 else f"{sign}${size:.1e}"
    return f"{sign}${size:.4f}" if size < 0.1 else f"{sign}${size:.3f}"


def difference_of_cost(value: float) -> str:
    """For example ``$0.0006 saved``."""
    return f"{money(abs(value))} {'saved' if value < 0 else 'added'}"


def duration(ms: float | None) -> str:
    """Milliseconds as 462 ms, 1.21 s or 3.5 min."""
    if ms is None:
        return UNKNOWN
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.2f} s" if ms < 120_000 else f"{ms / 60_000:.1f} min"


def percent(ratio: float | None) -> str:
    """A ratio as 98.26 %."""
    return UNKNOWN if ratio is None else f"{ratio * 100:.2f}%"


def rate(per_second: float | None) -> str:
    """Events a second."""
    return UNKNOWN if per_second is None else f"{per_second:.3g}/s"


def age(seconds: float) -> str:
    """How long ago: 5 s, 3 min, 2 h, 4 d."""
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (129_600, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / size:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
