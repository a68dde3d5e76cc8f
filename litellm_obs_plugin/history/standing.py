"""How the keeping of history stands, for those who report on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """*problem* is why nothing is written, or empty. *written_at* is in seconds since the epoch."""

    problem: str = ""
    written_at: float | None = None


class HistoryError(OSError):
    """The history cannot be read; the message says why."""
