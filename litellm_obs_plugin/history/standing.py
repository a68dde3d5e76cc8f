"""How the keeping of history stands, for those who report on it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How the bringing to a fleet's database stands.

    Rows before *until* (seconds since the epoch) have arrived; None: not known. *dropped_s* are
    watched seconds that were too old to wait any longer.
    """

    problem: str = ""
    until: float | None = None
    dropped_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """*problem* is why nothing is written, or empty. *written_at* is in seconds since the epoch.

    *delivery* is None where nothing is to be delivered. *damaged* are the files that were set
    aside and are still there.
    """

    problem: str = ""
    written_at: float | None = None
    delivery: Delivery | None = None
    damaged: tuple[str, ...] = ()


class HistoryError(OSError):
    """The history cannot be read; the message says why."""


def reason_of(error: Exception) -> str:
    """The first line of what a database says."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).splitlines()
    return lines[0] if lines else type(error).__name__
