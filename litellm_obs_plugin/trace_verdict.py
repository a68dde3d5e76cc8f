"""The way of traces to Langfuse: status -> health. Pure. Never worse for requests than silence."""

from collections.abc import Sequence

from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.status import Status, worst
from litellm_obs_plugin.langfuse.status import Status as TraceStatus

_LATE_S = 60.0


def judge_traces(
    traces: TraceStatus, *, mode: str, warnings: Sequence[str] = (), window_s: float, now: float
) -> ComponentState:
    """Reachable, let in, in time, and nothing dropped within *window_s* seconds.

    *mode* and *warnings*, about the set-up, are for people.
    """
    findings = [(Status.DEGRADED, warning) for warning in warnings]
    if traces.denied:
        findings.append((Status.UNHEALTHY, f"Langfuse does not take the keys: {traces.problem}"))
    elif not traces.heard:
        findings.append((Status.UNHEALTHY, f"Langfuse cannot be reached: {traces.problem}"))
    elif traces.problem:
        findings.append(
            (Status.DEGRADED, f"Langfuse did not take the last traces: {traces.problem}")
        )
    if traces.dropped_s is not None and traces.dropped_s <= window_s:
        dropped = f"{traces.dropped} traces dropped, the last {traces.dropped_s:.0f} s ago"
        findings.append((Status.DEGRADED, dropped))
    if traces.waiting and traces.oldest_s > _LATE_S:
        findings.append((Status.DEGRADED, f"traces are {traces.oldest_s:.0f} s late"))
    answered = "no answer yet"
    if traces.answered_at is not None:
        answered = f"last answer {max(now - traces.answered_at, 0.0):.0f} s ago"
    told = f"mode {mode}, {answered}, {traces.waiting} traces wait"
    return ComponentState(
        status=worst(status for status, _ in findings),
        message="; ".join([*(reason for _, reason in findings), told]),
        latency_s=traces.latency_s,
        checked_at=traces.answered_at if traces.answered_at is not None else now,
    )
