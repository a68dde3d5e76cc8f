"""A finished request -> the observations of its trace. Pure.

One span for the request; under it a generation per attempt, and an event wherever the request went
on to another model group or a circuit opened. Money stands where it was spent: on the attempt that
answered, or on a stream that broke after tokens had come. Every other attempt says 0, or Langfuse
would price it by its own table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from litellm_obs_plugin.langfuse import metadata
from litellm_obs_plugin.langfuse.event import circuit_events, failover_events
from litellm_obs_plugin.langfuse.ids import ObservationIds, Part, trace_id_of
from litellm_obs_plugin.langfuse.observation import Kind, Level, Observation, Plain, Tree
from litellm_obs_plugin.langfuse.priced import cost_details, usage_details
from litellm_obs_plugin.record import (
    Attempt,
    CircuitChange,
    Failure,
    Outcome,
    Request,
    TraceDetails,
)
from litellm_obs_plugin.redaction import hide_secrets

REQUEST_NAME = "litellm.request"
MAX_CHARS = 200  # what Langfuse takes for names, ids and tags
_MAX_TAGS = 50

Shared = Mapping[str, Plain]  # of all observations of a request

_NO_DETAILS = TraceDetails()
_LEVELS = {
    Outcome.SUCCESS: Level.DEFAULT,
    Outcome.CACHE_HIT: Level.DEFAULT,
    Outcome.CLIENT_DISCONNECT: Level.WARNING,
    Outcome.ERROR: Level.ERROR,
    Outcome.REJECTED: Level.ERROR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What is the same for all traces of a deployment of the gateway."""

    environment: str | None = None
    release: str | None = None
    version: str | None = None


def build_tree(
    request: Request, *, stamp: Stamp, circuits: Sequence[CircuitChange] = (), priced: bool = True
) -> Tree:
    """The trace of *request*, with the *circuits* that its attempts opened.

    Not *priced*: beside LiteLLM's own generations, so without generation, model, usage and cost.
    """
    details = request.details or _NO_DETAILS
    ids = ObservationIds(request)
    shared = metadata.of_all(request)
    root = _root(request, details, ids, shared=shared)
    kind = Kind.GENERATION if priced else Kind.SPAN
    parts = [
        *failover_events(request, ids=ids, parent=root.id),
        *circuit_events(circuits, ids=ids, parent=root.id),
        *_attempts(request, details, ids=ids, root=root, kind=kind, shared=shared),
    ]
    parts.sort(key=_start_of)  # stable: a failover stands before its attempt
    return Tree(
        trace_id=trace_id_of(request),
        name=_safe(details.name or REQUEST_NAME) if priced else None,
        user=_safe(details.user) if details.user else None,
        session=_safe(details.session) if details.session else None,
        tags=tuple(_safe(tag) for tag in request.caller.tags[:_MAX_TAGS]),
        environment=stamp.environment,
        release=stamp.release,
        version=stamp.version,
        observations=[root, *parts],
    )


def count_observations(request: Request) -> int:
    """How many :func:`build_tree` makes, circuits apart."""
    return 1 + len(request.attempts) + len(request.failovers)


def _root(
    request: Request, details: TraceDetails, ids: ObservationIds, *, shared: Shared
) -> Observation:
    level = _LEVELS[request.outcome]
    message = _sentence(request.failure, details)
    if level is Level.DEFAULT and len(request.attempts) > 1:
        level = Level.WARNING
        tries, hops = len(request.attempts), len(request.failovers)
        message = f"answered at attempt {tries}, after {hops} failover{'s' * (hops != 1)}"
    return Observation(
        id=ids.of(Part.REQUEST),
        parent=None,
        kind=Kind.SPAN,
        name=REQUEST_NAME,
        started_at=request.received_at,
        ended_at=_end_of(request),
        level=level,
        status_message=message,
        input=details.input,
        output=details.output,
        metadata=metadata.of_request(request, shared=shared),
    )


@lru_cache(maxsize=4096)
def _safe(text: str) -> str:
    """What callers name things, short and without their keys."""
    return hide_secrets(text[:MAX_CHARS])


_start_of = attrgetter("started_at")


def _end_of(request: Request) -> float:
    end = request.received_at + (request.duration_s or 0.0)
    for attempt in request.attempts:
        end = max(end, attempt.started_at + (attempt.duration_s or 0.0))
    return end


def _attempts(
    request: Request,
    details: TraceDetails,
    *,
    ids: ObservationIds,
    root: Observation,
    kind: Kind,
    shared: Shared,
) -> Iterable[Observation]:
    retry = hops = 0
    group = request.attempts[0].deployment.model_group if request.attempts else ""
    for number, attempt in enumerate(request.attempts, start=1):
        if attempt.deployment.model_group != group:
            group, retry, hops = attempt.deployment.model_group, 0, hops + 1
        known = metadata.of_attempt(
            attempt, number=number, retry=retry, fallback=hops, shared=shared
        )
        part = _attempt(attempt, details, number=number, ids=ids, root=root, kind=kind, known=known)
        if kind is Kind.GENERATION:
            _price(part, attempt, details, is_last=number == len(request.attempts))
        yield part
        retry += 1


def _attempt(
    attempt: Attempt,
    details: TraceDetails,
    *,
    number: int,
    ids: ObservationIds,
    root: Observation,
    kind: Kind,
    known: Mapping[str, Plain],
) -> Observation:
    deployment, failure = attempt.deployment, attempt.failure
    known_s = attempt.duration_s
    ended_at = attempt.started_at + known_s if known_s is not None else root.ended_at
    return Observation(
        id=ids.of(Part.ATTEMPT, number),
        parent=root.id,
        kind=kind,
        name=f"attempt {number} {deployment.provider}/{_safe(deployment.model)}"[:MAX_CHARS],
        started_at=attempt.started_at,
        ended_at=max(attempt.started_at, ended_at),
        level=_LEVELS[attempt.outcome],
        status_message=_sentence(failure, details) if failure is not None else "",
        metadata=known,
    )


def _price(part: Observation, attempt: Attempt, details: TraceDetails, *, is_last: bool) -> None:
    part.model = _safe(attempt.deployment.model)
    part.parameters = {
        name: _safe(value) if isinstance(value, str) else value
        for name, value in details.parameters.items()
    }
    part.cost_usd = cost_details(attempt.cost)
    if attempt.tokens is not None:
        part.usage = usage_details(attempt.tokens)
    if attempt.ttft is not None and attempt.ttft.value_s is not None:
        part.first_token_at = attempt.started_at + attempt.ttft.value_s
    if is_last and attempt.outcome is not Outcome.ERROR:
        part.input, part.output = details.input, details.output


def _sentence(failure: Failure | None, details: TraceDetails) -> str:
    """For example ``ServiceUnavailableError 503: the engine is overloaded``."""
    if failure is None:
        return ""
    code = f" {failure.status_code}" if failure.status_code is not None else ""
    name = failure.error_class or failure.error_type
    if failure.message and not details.redacted:  # providers quote what they were asked
        return f"{name}{code}: {failure.message}"
    return f"{name}{code}"
