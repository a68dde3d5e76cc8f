"""One recorded value with the ids that lead to its request."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """*recorded_at* is seconds since the epoch; the ids are what a trace search understands."""

    value: float
    trace_id: str | None
    request_id: str
    recorded_at: float
