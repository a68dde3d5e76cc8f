"""The values that travel through the house: what one finished request was.

Everything here is frozen. Times are seconds (instants: seconds since the epoch), money is US
dollars, and ``None`` always means "the host did not say", never zero.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

UNKNOWN = "unknown"
OTHER = "other"


class Outcome(StrEnum):
    """How a request, or one attempt of it, ended."""

    SUCCESS = "success"
    ERROR = "error"
    CLIENT_DISCONNECT = "client_disconnect"
    CACHE_HIT = "cache_hit"
    REJECTED = "rejected"


class Operation(StrEnum):
    """What the caller asked the gateway to do."""

    CHAT = "chat"
    TEXT_COMPLETION = "text_completion"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
    IMAGE = "image"
    AUDIO = "audio"
    RERANK = "rerank"
    PASSTHROUGH = "passthrough"
    OTHER = "other"


class ErrorType(StrEnum):
    """Why it failed, in a dozen words."""

    TIMEOUT = "timeout"
    RATE_LIMIT = "rate_limit"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_POLICY = "content_policy"
    BUDGET = "budget"
    NOT_FOUND = "not_found"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    CONNECTION = "connection"
    OTHER = "other"


class Source(StrEnum):
    """Whose failure it was."""

    GATEWAY = "gateway"
    PROVIDER = "provider"
    CLIENT = "client"


class CostStatus(StrEnum):
    """How sure the cost is."""

    PRICED = "priced"
    ESTIMATED = "estimated"
    UNPRICED = "unpriced"


_DOUBT = {status: at for at, status in enumerate(CostStatus)}  # the surest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request or an attempt failed. *message* is for people and never becomes a label.

    *normalized* is LiteLLM's own stable code for it, *traceback* the innermost frames without
    source lines or values.
    """

    error_type: ErrorType
    source: Source
    status_code: int | None = None
    error_class: str = ""
    message: str = ""
    normalized: str = ""
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One entry of the router's model list."""

    id: str
    model_group: str
    model: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens by type. The types are disjoint: they sum to the total."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.cached_input + self.cache_write + self.output + self.reasoning

    @property
    def total_output(self) -> int:
        return self.output + self.reasoning


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Dollars of one request by component. The components are disjoint and sum to *total_usd*."""

    status: CostStatus
    total_usd: float | None
    components_usd: Mapping[str, float] = field(default_factory=dict)
    unpriced_reason: str | None = None
    adds_up: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToFirstToken:
    """Seconds from the attempt's start to its first token, or why that cannot be told."""

    value_s: float | None = None
    invalid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of one deployment.

    *duration_s* is provider time; *headroom* is what the provider said is left of its rate limits,
    by resource, as a share of the limit.
    """

    deployment: Deployment
    started_at: float
    duration_s: float | None
    outcome: Outcome
    failure: Failure | None = None
    ttft: TimeToFirstToken | None = None
    tokens: Tokens | None = None
    cost: Cost | None = None
    headroom: Mapping[str, float] = field(default_factory=dict)
    provider_request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """The request went on to another model group because *source* could not answer.

    Of a recovered one, *delay_s* runs from the first attempt of the request to the start of the one
    that answered, and *cost_added_usd* is what the answer cost beyond what the first choice would
    have cost for the same tokens (negative: saved).
    """

    source: Deployment
    target: Deployment
    reason: ErrorType
    recovered: bool
    delay_s: float | None = None
    cost_added_usd: float | None = None


class CircuitState(StrEnum):
    """LiteLLM's cooldown as a circuit: an open one gets no calls. There is no half-open state."""

    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitChange:
    """A deployment's circuit opened or closed in this worker. *reason* is why it had opened."""

    deployment: Deployment
    state: CircuitState
    at: float
    reason: ErrorType
    recovers_at: float | None = None


class Owner(StrEnum):
    """Who has a budget that LiteLLM itself keeps."""

    KEY = "key"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBudget:
    """A budget that LiteLLM itself keeps. *spent_usd* is its own count before the request."""

    owner: Owner
    name: str
    limit_usd: float
    spent_usd: float
    resets_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asked. None of it becomes a metric label unless the operator allows it."""

    team: str | None = None
    key_alias: str | None = None
    tags: tuple[str, ...] = ()
    budgets: tuple[HostBudget, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A Langfuse project. *host* is its base URL; None: the one that is configured."""

    public_key: str
    secret_key: str = field(repr=False)
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceDetails:
    """What only a trace shows of a request. *input* and *output* are JSON, when they are captured.

    *project* is the one that the caller's key or team names. *joined*: LiteLLM's own callback
    traces the request in the same project. *redacted*: no text of it may be shown, which includes
    what a provider says of an error. *private*: no trace of it may leave at all.
    """

    name: str | None = None
    user: str | None = None
    session: str | None = None
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    input: str | None = field(default=None, repr=False)
    output: str | None = field(default=None, repr=False)
    project: Project | None = None
    joined: bool = False
    redacted: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One finished request: what the caller sent, with every attempt to answer it.

    *duration_s* runs from the proxy's receipt to the end of the answer. *model_group* is what was
    asked for, even if another group answered.
    """

    call_id: str
    received_at: float
    duration_s: float | None
    operation: Operation
    stream: bool
    model_group: str
    outcome: Outcome
    failure: Failure | None = None
    attempts: tuple[Attempt, ...] = ()
    trace_id: str | None = None
    caller: Caller = Caller()
    queue_s: float | None = None
    failovers: tuple[Failover, ...] = ()
    cache_saved_usd: float | None = None
    trace_url: str | None = None
    details: TraceDetails | None = None

    @property
    def last_attempt(self) -> Attempt | None:
        """The attempt that answered, or the last one tried."""
        return self.attempts[-1] if self.attempts else None

    @property
    def cost_usd(self) -> float | None:
        """What the attempts cost together; None when no cost is known."""
        known = [
            a.cost.total_usd
            for a in self.attempts
            if a.cost is not None and a.cost.total_usd is not None
        ]
        if len(known) == 1:
            return known[0]
        return math.fsum(known) if known else None

    @property
    def cost_status(self) -> CostStatus | None:
        """How sure that is: as sure as the least sure attempt."""
        found = [a.cost.status for a in self.attempts if a.cost is not None]
        if len(found) == 1:
            return found[0]
        return max(found, key=_DOUBT.__getitem__, default=None)

    @property
    def total_tokens(self) -> int | None:
        """Tokens of all attempts; None when none were told."""
        known = [a.tokens.total for a in self.attempts if a.tokens is not None]
        return sum(known) if known else None

    @property
    def provider_s(self) -> float:
        """Seconds spent in providers, all attempts together."""
        if len(self.attempts) == 1:
            return self.attempts[0].duration_s or 0.0
        return math.fsum([a.duration_s for a in self.attempts if a.duration_s is not None])

    @property
    def backoff_s(self) -> float:
        """Seconds between a failed attempt and the next."""
        return backoff_between(self.attempts)

    @property
    def provider(self) -> str:
        """The provider that answered, or was tried last."""
        return self.attempts[-1].deployment.provider if self.attempts else UNKNOWN


def backoff_between(attempts: Sequence[Attempt]) -> float:
    """Seconds between the end of each of *attempts* and the start of the next."""
    if len(attempts) < 2:
        return 0.0
    gaps = [
        later.started_at - (earlier.started_at + earlier.duration_s)
        for earlier, later in pairwise(attempts)
        if earlier.duration_s is not None
    ]
    return math.fsum([gap for gap in gaps if gap > 0.0])
