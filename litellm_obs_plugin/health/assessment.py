"""All signals -> how the gateway is, from deployment to overall. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.finding import Finding, Probed
from litellm_obs_plugin.health.ring import Key, Ring
from litellm_obs_plugin.health.signals import Background, Circuit, Signals, Traffic
from litellm_obs_plugin.health.status import Status, Verdict, worst
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.health.verdict import judge, judge_traffic
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import OTHER, UNKNOWN, Deployment, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentState:
    """One entry of the router's list."""

    target: Target
    verdict: Verdict
    signals: Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """All deployments of a provider. *probe* is the one in most trouble, else the slowest."""

    verdict: Verdict
    traffic: Traffic | None
    probe: Probed | None
    deployments: tuple[DeploymentState, ...] = ()

    @property
    def checked_at(self) -> float | None:
        """When it was probed."""
        return self.probe.at if self.probe is not None else None

    @property
    def latency_s(self) -> float | None:
        """Of the probe, if it was answered."""
        return self.probe.latency_s if self.probe is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Seconds since this worker started, requests since recording began, their mean seconds."""

    uptime_s: float
    requests: int
    average_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How everything was at *at*, seconds since the epoch."""

    at: float
    status: Status
    can_serve: bool
    providers: Mapping[str, ProviderState]
    components: Mapping[str, ComponentState]
    totals: Totals

    def deployments(self) -> Iterable[DeploymentState]:
        return (one for state in self.providers.values() for one in state.deployments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where signals come from. A probe older than *oldest_probe* says nothing of now."""

    ring: Ring
    snapshot: Snapshot | None
    probes: Mapping[str, Probed]
    background: Mapping[str, Background]
    oldest_probe: float

    def traffic_of(self, provider: str) -> Traffic | None:
        return self.ring.traffic(lambda key: key[1] == provider)

    def signals_of(self, deployment: Deployment) -> Signals:
        probed = self.probes.get(deployment.id)
        return Signals(
            traffic=self.ring.traffic(lambda key: _is_of(key, deployment)),
            circuit=self._circuit(deployment.id),
            probe=probed if probed is not None and probed.at >= self.oldest_probe else None,
            background=self.background.get(deployment.id),
        )

    def _circuit(self, deployment_id: str) -> Circuit | None:
        if self.snapshot is None:
            return None
        found = self.snapshot.numbers("circuit_open_workers", deployment=deployment_id)
        for _, open_workers in found:
            return Circuit(open_workers=round(open_workers), workers=self.snapshot.workers)
        return None


def assess_providers(targets: Sequence[Target], evidence: Evidence) -> dict[str, ProviderState]:
    """Every configured provider, and those that were called of late."""
    by_provider: dict[str, list[DeploymentState]] = {}
    for target in targets:
        signals = evidence.signals_of(target.deployment)
        state = DeploymentState(target=target, verdict=judge(signals), signals=signals)
        by_provider.setdefault(target.deployment.provider, []).append(state)
    for name in evidence.ring.providers() - {UNKNOWN}:
        by_provider.setdefault(name, [])
    return {
        name: _provider(states, evidence.traffic_of(name))
        for name, states in sorted(by_provider.items())
    }


def assess_all(
    providers: Mapping[str, ProviderState], components: Mapping[str, ComponentState]
) -> Status:
    """Unhealthy only if no model group can be served; degraded if any part is not healthy."""
    deployments = [one for state in providers.values() for one in state.deployments]
    if all(one.verdict.status is Status.UNHEALTHY for one in deployments):
        return Status.UNHEALTHY
    parts = [state.verdict.status for state in providers.values()]
    parts.extend(component.status for component in components.values())
    return Status.HEALTHY if worst(parts) is Status.HEALTHY else Status.DEGRADED


def read_totals(snapshot: Snapshot | None, *, uptime_s: float) -> Totals:
    """The same requests, and the same mean of answered ones, as the JSON of the gateway."""
    if snapshot is None:
        return Totals(uptime_s=uptime_s, requests=0, average_s=None)
    by_outcome = snapshot.by("requests_total", "outcome")
    answered = snapshot.sketch("request_duration_seconds", outcome=Outcome.SUCCESS)
    return Totals(
        uptime_s=uptime_s,
        requests=round(sum(n for o, n in by_outcome.items() if o != Outcome.CLIENT_DISCONNECT)),
        average_s=answered.avg if answered is not None and answered.count else None,
    )


def _provider(states: list[DeploymentState], traffic: Traffic | None) -> ProviderState:
    probes = [s.signals.probe for s in states if s.signals.probe is not None]
    probe = max(probes, key=_trouble, default=None)
    return ProviderState(
        verdict=_rolled_up(states, Signals(traffic=traffic, probe=probe)),
        traffic=traffic,
        probe=probe,
        deployments=tuple(states),
    )


def _trouble(probed: Probed) -> tuple[bool, float]:
    return probed.finding is not Finding.OK, probed.phases.total_s


def _rolled_up(states: list[DeploymentState], in_sum: Signals) -> Verdict:
    """Unhealthy when all deployments are. Traffic that is thin everywhere may tell in sum."""
    bad = [one for one in states if one.verdict.status is not Status.HEALTHY]
    if not bad:
        known = [s.signals.traffic for s in states if s.signals.traffic is not None]
        told = any(judge_traffic(traffic) is not None for traffic in known)
        return states[0].verdict if told else judge(in_sum)
    reasons = "; ".join(f"{one.target.deployment.id}: {one.verdict.reason}" for one in bad[:5])
    if all(one.verdict.status is Status.UNHEALTHY for one in states):
        return Verdict(Status.UNHEALTHY, reasons)
    return Verdict(Status.DEGRADED, reasons)


def _is_of(key: Key, deployment: Deployment) -> bool:
    """Attempts carry no deployment id; a wildcard's carry the model that the caller chose."""
    group, provider, model = key
    ours = group == deployment.model_group and provider == deployment.provider
    return ours and (model == deployment.model or deployment.model == OTHER)
