"""The way of traces to Langfuse: facts -> state. Pure. Never worse for requests than silence."""

from dataclasses import dataclass

from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.status import Status, worst

_LATE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """How this worker's traces fare. *mode* and *warnings*, about the set-up, are for people.

    *problem* is why the last try failed, or empty; *refused*: Langfuse does not take our keys;
    *silent*: it could not be reached at all. *oldest_s* is the age of the oldest waiting trace,
    *dropped_s* how long ago one was dropped last.
    """

    mode: str
    warnings: tuple[str, ...] = ()
    problem: str = ""
    refused: bool = False
    silent: bool = False
    waiting: int = 0
    oldest_s: float = 0.0
    dropped: int = 0
    dropped_s: float | None = None
    latency_s: float | None = None
    answered_at: float | None = None


def judge_traces(facts: TraceFacts, *, window_s: float, now: float) -> ComponentState:
    """Reachable, let in, in time, and nothing dropped within *window_s* seconds."""
    findings = [(Status.DEGRADED, warning) for warning in facts.warnings]
    if facts.refused:
        findings.append((Status.UNHEALTHY, f"Langfuse does not take the keys: {facts.problem}"))
    elif facts.silent:
        findings.append((Status.UNHEALTHY, f"Langfuse cannot be reached: {facts.problem}"))
    elif facts.problem:
        findings.append(
            (Status.DEGRADED, f"Langfuse did not take the last traces: {facts.problem}")
        )
    if facts.dropped_s is not None and facts.dropped_s <= window_s:
        dropped = f"{facts.dropped} traces dropped, the last {facts.dropped_s:.0f} s ago"
        findings.append((Status.DEGRADED, dropped))
    if facts.waiting and facts.oldest_s > _LATE_S:
        findings.append((Status.DEGRADED, f"traces are {facts.oldest_s:.0f} s late"))
    answered = "no answer yet"
    if facts.answered_at is not None:
        answered = f"last answer {max(now - facts.answered_at, 0.0):.0f} s ago"
    told = f"mode {facts.mode}, {answered}, {facts.waiting} traces wait"
    return ComponentState(
        status=worst(status for status, _ in findings),
        message="; ".join([*(reason for _, reason in findings), told]),
        latency_s=facts.latency_s,
        checked_at=facts.answered_at if facts.answered_at is not None else now,
    )
