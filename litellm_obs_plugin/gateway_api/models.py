"""``GatewayMetrics``: latencies in milliseconds, money in US dollars, times in RFC 3339 UTC.

``null`` is "not known", never zero.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Status = Literal["healthy", "unhealthy", "degraded"]


class Model(BaseModel):
    """What all have in common: camelCase outside, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )


def _is_absent(value: object) -> bool:
    return value is None


class Requests(Model):
    """total = success + error; error includes rejected. Cached answers are successes.

    Filtered by model or provider these are attempts.
    """

    total: int | None
    success: int | None
    error: int | None
    by_model: dict[str, int] | None = Field(description="By the model group that was asked for.")
    by_provider: dict[str, int] | None = Field(
        description="By the provider that answered, or was tried last."
    )
    success_rate: float | None = Field(
        description="success / (success + errors that are not the caller's); null without any."
    )


class Latency(Model):
    """Milliseconds."""

    p50: float | None
    p95: float | None
    p99: float | None
    average: float | None


class Costs(Model):
    """US dollars."""

    total: float | None
    by_model: dict[str, float] | None
    by_provider: dict[str, float] | None
    by_team: dict[str, float] | None
    by_key: dict[str, float] | None
    by_tag: dict[str, float] | None = Field(
        description="A request with two tags counts under both."
    )


class Tokens(Model):
    """input includes cached and cache-writing tokens, output includes reasoning."""

    input: int | None
    output: int | None
    total: int | None


class ProviderState(Model):
    """The health report's verdict on a provider."""

    status: Status
    last_check: datetime
    latency: float | None = Field(description="p50 of successful attempts, else of the probe; ms.")


class ModelRow(Model):
    """One deployment's model. Requests here are attempts that it answered or failed."""

    model: str
    provider: str
    requests: int
    success_rate: float | None
    errors: int
    error_rate_interval: tuple[float, float] | None = Field(
        description="Between which shares the true share of failed attempts lies with 95 % "
        "confidence (Wilson); null without any attempt."
    )
    latency: Latency
    ttft: Latency
    tokens_per_second: float | None
    tokens: Tokens
    costs: float | None
    cost_per_thousand_tokens: float | None = Field(serialization_alias="costPer1kTokens")
    cost_per_request: float | None


class CostStatus(Model):
    """Shares of the requests that used tokens or money; null without any."""

    priced: float | None
    estimated: float | None
    unpriced: float | None


class Errors(Model):
    """Requests by why they failed, and by whose failure it was."""

    by_type: dict[str, int] | None
    by_source: dict[str, int] | None


class FailoverPair(Model):
    """Failovers from one model group to another for one reason."""

    source: str = Field(serialization_alias="from")
    target: str = Field(serialization_alias="to")
    reason: str
    recovered: int
    failed: int


class Failover(Model):
    """Changes to another model group. seconds_lost counts the recovered requests only."""

    total: int
    recovered: int
    failed: int
    seconds_lost: float
    cost_added_usd: float = Field(description="Negative: saved.")
    pairs: list[FailoverPair]


class Circuit(Model):
    """A deployment's circuit, open while LiteLLM lets it rest.

    Without Redis each worker decides for itself: it is open when any has it open.
    """

    deployment: str
    model_group: str
    provider: str
    state: Literal["closed", "open"]
    since: datetime | None
    recovers_at: datetime | None
    reason: str | None
    open_workers: int
    workers: int


class Rates(Model):
    """Over the window."""

    requests_per_second: float | None
    tokens_per_second: float | None
    cost_per_hour: float | None


class FleetInstance(Model):
    """A proxy of a fleet. Its counts up to *counted_until* are in; *late*: cut off, or gone."""

    name: str
    host: str
    counted_until: datetime
    late: bool
    coverage: float


class Window(Model):
    """What the numbers cover.

    *coverage* is the share of the asked window that they do. *basis* is ``since_start`` while the
    numbers are totals since recording began, which may reach back further than was asked.
    """

    start: datetime
    end: datetime
    seconds: float
    coverage: float
    basis: Literal["since_start", "history"]
    instances: list[FleetInstance] | None = Field(
        default=None, exclude_if=_is_absent, description="Only with `scope=fleet`."
    )


class Accuracy(Model):
    """How far a quantile may be off, and how many requests it rests on."""

    relative_error: float
    samples: int


class Overhead(Model):
    """Time of a request outside the providers, by where it went."""

    queue: Latency
    gateway: Latency
    backoff: Latency


class Change(Model):
    """A number against the window before. *ratio* is (now - previous) / previous."""

    previous: float | None
    ratio: float | None = Field(description="Of successRate: the difference; 0.01 is one point.")


class Changes(Model):
    """This window against the one of the same length before it."""

    requests: Change
    success_rate: Change
    p95: Change
    cost_usd: Change
    tokens: Change


class Filter(Model):
    """Which part of the traffic the numbers are of; what cannot be told of it is null."""

    model: tuple[str, ...]
    provider: tuple[str, ...]
    team: tuple[str, ...]
    key: tuple[str, ...]
    tag: tuple[str, ...]
    counts: Literal["attempts", "requests"] | None = Field(
        description="What `requests` counts: with model or provider attempts, whose latency is the "
        "provider's; with team, key or tag requests; null: no count knows what was asked for."
    )


Points = Annotated[
    list[float | None],
    Field(description="One value per step, as many as there are in `t`; null: not covered."),
]


class Part(Model):
    """The share of a model, provider, team or tag. For teams and tags errors and p95 are null."""

    requests: Points
    errors: Points
    p95: Points
    cost_usd: Points
    tokens: Points


Parts = Annotated[
    dict[str, Part], Field(description="The 20 with the most requests; the rest is `other`.")
]


class History(Model):
    """The window step by step. Latencies are milliseconds; overhead is the gateway's own time."""

    step_seconds: float
    t: list[datetime] = Field(description="When each step starts.")
    requests: Points
    errors: Points
    errors_by_type: dict[str, Points] | None
    p50: Points
    p95: Points
    p99: Points
    ttft_p50: Points
    ttft_p95: Points
    tokens_per_second_p50: Points
    overhead_p50: Points
    overhead_p95: Points
    cost_usd: Points
    tokens_in: Points
    tokens_out: Points
    tokens_by_type: dict[str, Points] | None
    failovers: Points
    retries: Points
    by_model: Parts | None = Field(
        description="By the model that did the work; requests are attempts."
    )
    by_provider: Parts | None
    by_team: Parts | None
    by_tag: Parts | None


class GatewayMetrics(Model):
    """What the gateway did. With a filter, what cannot be told of that part is null."""

    requests: Requests
    latency: Latency
    costs: Costs
    tokens: Tokens
    providers: dict[str, ProviderState]
    schema_version: Literal[1] = 1
    generated_at: datetime
    window: Window
    scope: Literal["instance", "fleet"]
    accuracy: Accuracy
    models: list[ModelRow] | None
    cost_status: CostStatus
    errors: Errors
    tokens_by_type: dict[str, int] | None
    costs_by_component: dict[str, float] | None
    cache_savings: float | None
    rates: Rates
    failover: Failover | None
    circuits: list[Circuit] | None
    overhead: Overhead
    ttft: Latency
    filter: Filter | None = Field(
        default=None, exclude_if=_is_absent, description="Absent without any."
    )
    change: Changes | None = Field(
        default=None,
        exclude_if=_is_absent,
        description="Absent when the window before is not covered.",
    )
    history: History | None = Field(
        default=None, exclude_if=_is_absent, description="Only with `step`."
    )
