"""How coarse history is, by its age. Pure. All times are seconds since the epoch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

STEP_S, MINUTE_S, HOUR_S = 10, 60, 3600
STEPS_S = (STEP_S, MINUTE_S, HOUR_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Rows of *step_s* seconds: whole until *ready*, there since *kept* (both on steps)."""

    step_s: int
    ready: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Rows of *step_s* from *start* on, *end* not included."""

    start: int
    end: int
    step_s: int


def floor_to(at: float, step_s: int) -> int:
    """The start of the step that *at* lies in."""
    return math.floor(at / step_s) * step_s


def ceil_to(at: float, step_s: int) -> int:
    """The first start of a step that is not before *at*."""
    return math.ceil(at / step_s) * step_s


def first_instant(at: float, levels: Sequence[Level]) -> int:
    """*at*, moved back to a start of the finest rows that are still there."""
    fine = sorted(levels, key=lambda level: level.step_s)
    step_s = next((one.step_s for one in fine if one.kept <= at), fine[-1].step_s)
    return floor_to(at, step_s)


def cover(start: int, end: float, levels: Sequence[Level]) -> Iterator[Span]:
    """Spans that make up the window: the coarsest rows that fit whole, finer ones at the edges."""
    if start >= end or not levels:
        return
    *finer, coarsest = sorted(levels, key=lambda level: level.step_s)
    step_s = coarsest.step_s
    first, last = ceil_to(start, step_s), floor_to(min(end, coarsest.ready), step_s)
    if not finer:
        first, last = floor_to(start, step_s), ceil_to(end, step_s)
    if first >= last:
        yield from cover(start, end, finer)
        return
    yield from cover(start, first, finer)
    yield Span(start=first, end=last, step_s=step_s)
    yield from cover(last, end, finer)
