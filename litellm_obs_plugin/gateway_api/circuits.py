"""Snapshot and ledger -> the circuits of all deployments. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from litellm_obs_plugin.gateway_api.models import Circuit, Model
from litellm_obs_plugin.metrics.snapshot import Snapshot


class CircuitChange(Model):
    """A circuit opened or closed in one worker."""

    time: datetime
    deployment: str
    model_group: str
    provider: str
    model: str
    state: Literal["closed", "open"]
    reason: str
    recovers_at: datetime | None


class Circuits(Model):
    """All circuits, and the last changes, newest first."""

    circuits: list[Circuit]
    changes: list[CircuitChange]


def build_circuits(snapshot: Snapshot, changes: Sequence[Mapping[str, Any]]) -> Circuits:
    """*changes* are the ledger's entries, newest first."""
    return Circuits(
        circuits=list_circuits(snapshot, changes),
        changes=[CircuitChange.model_validate(change) for change in changes],
    )


def list_circuits(snapshot: Snapshot, changes: Sequence[Mapping[str, Any]]) -> list[Circuit]:
    """Every deployment the router has, the open ones first."""
    found = [
        _circuit(labels, open_workers=round(workers), snapshot=snapshot, changes=changes)
        for labels, workers in snapshot.numbers("circuit_open_workers")
    ]
    return sorted(found, key=lambda c: (c.state == "closed", c.deployment))


def _circuit(
    labels: tuple[str, ...],
    *,
    open_workers: int,
    snapshot: Snapshot,
    changes: Sequence[Mapping[str, Any]],
) -> Circuit:
    deployment, model_group, provider = labels
    state: Literal["closed", "open"] = "open" if open_workers else "closed"
    ours = [c for c in changes if c["deployment"] == deployment and c["state"] == state]
    last = ours[0] if ours else {}
    return Circuit.model_validate(
        {
            "deployment": deployment,
            "model_group": model_group,
            "provider": provider,
            "state": state,
            "since": last.get("time"),
            "recovers_at": last.get("recoversAt") if open_workers else None,
            "reason": last.get("reason") if open_workers else None,
            "open_workers": open_workers,
            "workers": snapshot.workers,
        }
    )
