"""Assessment -> metrics: 1 for healthy and degraded, 0 for unhealthy. Pure."""

from collections.abc import Mapping

from litellm_obs_plugin.health.assessment import Assessment
from litellm_obs_plugin.health.finding import Finding
from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.metrics.catalog import Labels
from litellm_obs_plugin.metrics.snapshot import Series


def read_gauges(found: Assessment) -> Mapping[str, Series]:
    """What the catalogue calls ``provider_up`` and the like."""
    components = {name: state.status for name, state in found.components.items()}
    components["gateway"] = found.status
    return {
        "provider_up": {(n,): _up(state.verdict.status) for n, state in found.providers.items()},
        "provider_probe_duration_seconds": _durations(found),
        "component_up": {(name,): _up(status) for name, status in components.items()},
    }


def _up(status: Status) -> float:
    return float(status is not Status.UNHEALTHY)


def _durations(found: Assessment) -> dict[Labels, float]:
    return {
        (name,): state.probe.phases.total_s
        for name, state in found.providers.items()
        if state.probe is not None and state.probe.finding is not Finding.UNKNOWN
    }
