"""What happened between attempts, as events of a trace."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from litellm_obs_plugin.langfuse import metadata
from litellm_obs_plugin.langfuse.ids import ObservationIds, Part
from litellm_obs_plugin.langfuse.observation import Kind, Level, Observation
from litellm_obs_plugin.record import CircuitChange, Request

FAILOVER_NAME = "provider.failover"
CIRCUIT_NAME = "circuit.open"


def failover_events(
    request: Request, *, ids: ObservationIds, parent: bytes
) -> Iterable[Observation]:
    """One where the request went on to another model group, at the start of what it led to."""
    starts = [
        later.started_at
        for earlier, later in pairwise(request.attempts)
        if earlier.deployment.model_group != later.deployment.model_group
    ]
    if len(request.failovers) > len(starts):  # the group that was asked for was not even tried
        starts.insert(0, request.attempts[0].started_at)
    for number, (failover, at) in enumerate(zip(request.failovers, starts, strict=False), start=1):
        source, target = failover.source.model_group, failover.target.model_group
        yield Observation(
            id=ids.of(Part.FAILOVER, number),
            parent=parent,
            kind=Kind.EVENT,
            name=FAILOVER_NAME,
            started_at=at,
            ended_at=at,
            level=Level.WARNING,
            status_message=f"{source} -> {target} ({failover.reason})",
            metadata=metadata.of_failover(failover),
        )


def circuit_events(
    circuits: Sequence[CircuitChange], *, ids: ObservationIds, parent: bytes
) -> Iterable[Observation]:
    """One for each circuit that an attempt of the request opened."""
    for number, change in enumerate(circuits, start=1):
        yield Observation(
            id=ids.of(Part.CIRCUIT, number),
            parent=parent,
            kind=Kind.EVENT,
            name=CIRCUIT_NAME,
            started_at=change.at,
            ended_at=change.at,
            level=Level.WARNING,
            status_message=f"{change.deployment.id} rests ({change.reason})",
            metadata=metadata.of_circuit(change),
        )
