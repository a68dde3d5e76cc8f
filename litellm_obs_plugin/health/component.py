"""The parts of the gateway beside its providers: facts -> state. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from litellm_obs_plugin.health.ring import Ring
from litellm_obs_plugin.health.status import Status, worst
from litellm_obs_plugin.health.vitals import CONNECTED, NOT_CONFIGURED, Vitals
from litellm_obs_plugin.metrics.snapshot import Snapshot

_LAG_LIMIT_S = 0.5
_H, _D, _U = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentState:
    """How one part is. *checked_at* is in seconds since the epoch."""

    status: Status
    message: str = ""
    latency_s: float | None = None
    checked_at: float | None = None


class Source(Protocol):
    """A part that knows its own state. Asked often and off the event loop: it answers at once."""

    def check(self, now: float) -> ComponentState: ...


class NotConfigured:
    """A part that is switched off, which is well."""

    def check(self, now: float) -> ComponentState:
        return ComponentState(status=_H, message=NOT_CONFIGURED, checked_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """What is to be known of the metrics state: *problem* is why it cannot be used, or empty."""

    problem: str = ""
    scraped_at: float | None = None


def judge_metrics(
    facts: StateFacts, *, snapshot: Snapshot | None, ring: Ring, now: float
) -> ComponentState:
    """Whether what happens is counted, and all of it."""
    findings: list[tuple[Status, str]] = []
    if facts.problem:
        findings.append((_U, facts.problem))
    if snapshot is not None and snapshot.damaged_files:
        findings.append((_D, f"{snapshot.damaged_files} state files cannot be read"))
    dropped = ring.increase("plugin_events_dropped_total")
    errors = ring.increase("plugin_errors_total")
    folded = ring.increase("series_overflow_total")
    minutes = f"in the last {ring.window_s / 60:.0f} min"
    if dropped:
        findings.append((_D, f"{dropped:.0f} events were not recorded {minutes}"))
    if errors:
        findings.append((_D, f"{errors:.0f} failures inside the plugin {minutes}: see the log"))
    if folded:
        findings.append((_D, f"{folded:.0f} samples went to `other` {minutes}: raise max_series"))
    scraped = "never scraped"
    if facts.scraped_at is not None:
        scraped = f"scraped {max(now - facts.scraped_at, 0.0):.0f} s ago"
    return _joined(findings, facts=scraped, now=now)


def judge_circuits(open_in: Mapping[str, float], *, known: int, now: float) -> ComponentState:
    """*open_in*: in how many workers each deployment rests; *known*: how many there are."""
    resting = sorted(one for one, workers in open_in.items() if workers > 0)
    if not resting:
        return ComponentState(status=_H, message=f"{known} closed", checked_at=now)
    status = _U if len(resting) >= known else _D
    message = f"{len(resting)} of {known} deployments rest: {', '.join(resting[:10])}"
    return ComponentState(status=status, message=message, checked_at=now)


def judge_host(vitals: Vitals, *, workers: int, ring: Ring, now: float) -> ComponentState:
    """LiteLLM itself: whether it is the one we know, and whether it keeps up."""
    findings: list[tuple[Status, str]] = []
    if not vitals.has_router:
        findings.append((_U, "no model is configured, or not yet"))
    if vitals.shutting_down:
        findings.append((_U, "shutting down"))
    if vitals.database not in (NOT_CONFIGURED, CONNECTED):
        findings.append((_D if vitals.has_database else _U, f"database {vitals.database}"))
    if vitals.redis not in (NOT_CONFIGURED, CONNECTED):
        findings.append((_D, f"Redis {vitals.redis}"))
    if vitals.missing_names:
        findings.append((_D, f"this LiteLLM has no {', '.join(vitals.missing_names)}"))
    lag = ring.lag()
    lag_s = lag.get_quantile_value(0.99) if lag is not None and lag.count else None
    if lag_s is not None and lag_s > _LAG_LIMIT_S:
        findings.append((_D, f"the event loop comes {lag_s * 1000:.0f} ms late (p99)"))
    facts = (
        f"LiteLLM {vitals.litellm_version}, workers: {workers}, "
        f"database: {vitals.database}, Redis: {vitals.redis}"
    )
    return _joined(findings, facts=facts, now=now, latency_s=lag_s)


def _joined(
    findings: Sequence[tuple[Status, str]],
    *,
    facts: str,
    now: float,
    latency_s: float | None = None,
) -> ComponentState:
    """The worst of *findings*, in words, and behind them the *facts*."""
    return ComponentState(
        status=worst(status for status, _ in findings),
        message="; ".join([*(reason for _, reason in findings), facts]),
        latency_s=latency_s,
        checked_at=now,
    )
