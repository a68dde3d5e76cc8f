"""Assessment -> :class:`HealthCheckResponse`. Pure."""

from datetime import UTC, datetime

from litellm_obs_plugin.health import report, verdict
from litellm_obs_plugin.health.assessment import Assessment, DeploymentState, ProviderState
from litellm_obs_plugin.health.component import ComponentState
from litellm_obs_plugin.health.finding import Finding, Probed
from litellm_obs_plugin.health.signals import Background, Circuit, Signals, Traffic


def build_report(found: Assessment, *, version: str) -> report.HealthCheckResponse:
    """Everything, for who may see it."""
    parts = {name: _component(state) for name, state in found.components.items()}
    providers = {name: _provider(state, found.at) for name, state in found.providers.items()}
    return report.HealthCheckResponse(
        status=found.status,
        timestamp=_time(found.at),
        version=version,
        components=report.Components(providers=providers, **parts),
        metrics=report.Figures(
            uptime=round(found.totals.uptime_s, 3),
            request_count=found.totals.requests,
            average_latency=_ms(found.totals.average_s) or 0.0,
        ),
    )


def redact(full: report.HealthCheckResponse) -> report.HealthCheckResponse:
    """The statuses alone, for everyone else: no address, no error text, no deployment."""

    def bare(component: report.ComponentHealth) -> report.ComponentHealth:
        return report.ComponentHealth(status=component.status)

    parts = full.components
    return full.model_copy(
        update={
            "components": report.Components(
                langfuse=bare(parts.langfuse),
                providers={name: bare(one) for name, one in parts.providers.items()},
                metrics=bare(parts.metrics),
                history=bare(parts.history),
                circuits=bare(parts.circuits),
                host=bare(parts.host),
            )
        }
    )


def _component(state: ComponentState) -> report.ComponentHealth:
    return report.ComponentHealth(
        status=state.status,
        latency=_ms(state.latency_s),
        last_check=_time(state.checked_at) if state.checked_at is not None else None,
        message=state.message or None,
    )


def _provider(state: ProviderState, at: float) -> report.ComponentHealth:
    return report.ComponentHealth(
        status=state.verdict.status,
        latency=_ms(state.latency_s),
        last_check=_time(state.checked_at or at),
        message=state.verdict.reason,
        signals=_signals(Signals(traffic=state.traffic, probe=state.probe)),
        deployments=[_deployment(one, at) for one in state.deployments],
    )


def _deployment(state: DeploymentState, at: float) -> report.DeploymentHealth:
    probe, target = state.signals.probe, state.target
    shown = _signals(state.signals)
    if probe is None and target.problem:
        unknown = report.ProbeSignal(finding=Finding.UNKNOWN, message=target.problem)
        shown = shown.model_copy(update={"probe": unknown})
    return report.DeploymentHealth(
        id=target.deployment.id,
        model_group=target.deployment.model_group,
        model=target.deployment.model,
        base_url=target.base_url,
        status=state.verdict.status,
        latency=_ms(probe.latency_s) if probe is not None else None,
        last_check=_time(probe.at if probe is not None else at),
        message=state.verdict.reason,
        signals=shown,
    )


def _signals(signals: Signals) -> report.SignalSet:
    return report.SignalSet(
        traffic=_traffic(signals.traffic) if signals.traffic is not None else None,
        circuit=_circuit(signals.circuit) if signals.circuit is not None else None,
        probe=_probe(signals.probe) if signals.probe is not None else None,
        background=_background(signals.background) if signals.background is not None else None,
    )


def _traffic(traffic: Traffic) -> report.TrafficSignal:
    judged, counts = verdict.judge_traffic(traffic), traffic.window
    low, _ = verdict.wilson(counts.failed, counts.attempts)
    return report.TrafficSignal(
        status=judged.status if judged is not None else None,
        message=judged.reason if judged is not None else None,
        window_seconds=round(traffic.window_s, 3),
        attempts=counts.attempts,
        failures=counts.failed,
        success_rate=counts.successes / counts.attempts if counts.attempts else None,
        failure_share_at_least=low if counts.attempts else None,
        failures_by_type=dict(counts.failures),
        last_attempt_seconds_ago=round(traffic.age_s, 3) if traffic.age_s is not None else None,
        stale=traffic.is_stale,
    )


def _circuit(circuit: Circuit) -> report.CircuitSignal:
    judged = verdict.judge_circuit(circuit)
    return report.CircuitSignal(
        status=judged.status,
        message=judged.reason or None,
        open_workers=circuit.open_workers,
        workers=circuit.workers,
    )


def _probe(probed: Probed) -> report.ProbeSignal:
    judged, phases = verdict.judge_probe(probed), probed.phases
    return report.ProbeSignal(
        status=judged.status if judged is not None else None,
        message=judged.reason if judged is not None else probed.detail or None,
        finding=probed.finding,
        status_code=probed.status_code,
        last_check=_time(probed.at),
        latency=_ms(phases.total_s),
        phases=report.PhaseTimes(
            dns=_ms(phases.dns_s),
            tcp=_ms(phases.tcp_s),
            tls=_ms(phases.tls_s),
            http=_ms(phases.http_s),
        ),
        authenticated=probed.authenticated,
    )


def _background(background: Background) -> report.BackgroundSignal:
    judged = verdict.judge_background(background)
    return report.BackgroundSignal(status=judged.status, message=judged.reason or None)


def _ms(seconds: float | None) -> float | None:
    return round(seconds * 1000, 3) if seconds is not None else None


def _time(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, tz=UTC)
