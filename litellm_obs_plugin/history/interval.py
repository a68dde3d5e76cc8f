"""What was watched, also when nothing happened: without an interval a step is a gap."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An instance watched *covered_s* seconds of the step that begins at *t*."""

    t: int
    covered_s: float
    workers: int
