"""``HealthCheckResponse``: latencies in milliseconds, times in RFC 3339 UTC, camelCase.

A field that is not known is left out.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from litellm_obs_plugin.health.status import Status


class Model(BaseModel):
    """What all have in common."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )


class TrafficSignal(Model):
    """Attempts of the last minutes, without failures that the caller caused."""

    status: Status | None = Field(default=None, description="Absent with fewer than 5 attempts.")
    message: str | None = None
    window_seconds: float
    attempts: int
    failures: int
    success_rate: float | None = None
    failure_share_at_least: float | None = Field(
        default=None,
        description="Lower end of the 95 % Wilson interval of the share of failures.",
    )
    failures_by_type: dict[str, int] = Field(default_factory=dict)
    last_attempt_seconds_ago: float | None = None
    stale: bool


class CircuitSignal(Model):
    """LiteLLM's cooldown, over all workers."""

    status: Status
    message: str | None = None
    open_workers: int
    workers: int


class PhaseTimes(Model):
    """Milliseconds of each step of a probe."""

    dns: float | None = None
    tcp: float | None = None
    tls: float | None = None
    http: float | None = None


class ProbeSignal(Model):
    """The last free look at the provider's address."""

    status: Status | None = Field(default=None, description="Absent when the probe could not tell.")
    message: str | None = None
    finding: str
    status_code: int | None = None
    last_check: datetime | None = None
    latency: float | None = None
    phases: PhaseTimes | None = None
    authenticated: bool = False


class BackgroundSignal(Model):
    """LiteLLM's own background health check, where that is on."""

    status: Status
    message: str | None = None


class SignalSet(Model):
    """What the verdict rests on."""

    traffic: TrafficSignal | None = None
    circuit: CircuitSignal | None = None
    probe: ProbeSignal | None = None
    background: BackgroundSignal | None = None


class ComponentHealth(Model):
    """How one part is, and why."""

    status: Status
    latency: float | None = None
    last_check: datetime | None = None
    message: str | None = None
    signals: SignalSet | None = None
    deployments: "list[DeploymentHealth] | None" = None


class DeploymentHealth(ComponentHealth):
    """One deployment of a provider."""

    id: str
    model_group: str
    model: str
    base_url: str | None = Field(default=None, description="Without user info and query.")


class Components(Model):
    """The parts of the gateway."""

    langfuse: ComponentHealth
    providers: dict[str, ComponentHealth]
    metrics: ComponentHealth
    history: ComponentHealth
    circuits: ComponentHealth
    host: ComponentHealth


class Figures(Model):
    """Seconds since this worker started; requests since recording began; milliseconds."""

    uptime: float
    request_count: int
    average_latency: float = Field(description="Of answered requests; 0 before the first.")


class HealthCheckResponse(Model):
    """How the gateway is."""

    status: Status
    timestamp: datetime
    version: str
    components: Components
    metrics: Figures


class Endpoint(Model):
    """One deployment as LiteLLM's own ``/health`` lists them."""

    model_config = ConfigDict(alias_generator=None)

    model: str
    model_id: str
    api_base: str | None = None
    error: str | None = None


class Listing(Model):
    """All of them, by whether they can be used. A degraded deployment can."""

    model_config = ConfigDict(alias_generator=None)

    healthy_endpoints: list[Endpoint]
    unhealthy_endpoints: list[Endpoint]
    healthy_count: int
    unhealthy_count: int


class HostHealthResponse(HealthCheckResponse):
    """The same with the keys of LiteLLM's own ``/health``, for which no LLM call is made."""

    healthy_endpoints: list[Endpoint] = Field(alias="healthy_endpoints")
    unhealthy_endpoints: list[Endpoint] = Field(alias="unhealthy_endpoints")
    healthy_count: int = Field(alias="healthy_count")
    unhealthy_count: int = Field(alias="unhealthy_count")
