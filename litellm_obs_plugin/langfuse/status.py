"""How the way to Langfuse fares, for health."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """*problem* is empty while batches arrive; *denied*: our keys are refused; *heard*: the server
    answered the last time. *oldest_s* is the age of the oldest trace that waits, *dropped* counts
    traces, *dropped_s* is how long ago the last one was. *answered_at* is in epoch seconds.
    """

    problem: str = ""
    is_open: bool = False
    denied: bool = False
    heard: bool = True
    waiting: int = 0
    oldest_s: float = 0.0
    dropped: int = 0
    dropped_s: float | None = None
    latency_s: float | None = None
    answered_at: float | None = None
