"""The health report's verdicts on providers, as the JSON of the gateway shows them."""

from datetime import UTC, datetime

from litellm_obs_plugin.gateway_api.models import ProviderState
from litellm_obs_plugin.health.monitor import Monitor


async def provider_verdicts(monitor: Monitor) -> dict[str, ProviderState]:
    """Of every provider, with the latency of its probe in milliseconds."""
    found = (await monitor.latest()).found
    return {
        name: ProviderState(
            status=state.verdict.status.value,
            last_check=datetime.fromtimestamp(state.checked_at or found.at, tz=UTC),
            latency=state.latency_s * 1000 if state.latency_s is not None else None,
        )
        for name, state in found.providers.items()
    }
