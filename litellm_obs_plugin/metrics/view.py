"""A raw snapshot -> the one that surfaces show, with what is known only when one looks. Pure."""

from litellm_obs_plugin.metrics.catalog import Labels
from litellm_obs_plugin.metrics.snapshot import Series, Snapshot

_OPEN, _CLOSED = "open", "closed"


def complete(snapshot: Snapshot, *, versions: tuple[str, str]) -> Snapshot:
    """*snapshot* with its own size, the versions, and the workers' circuits made one."""
    return snapshot.with_series(
        {
            **_circuits(snapshot),
            "plugin_active_series": {(): float(len(snapshot))},
            "plugin_info": {versions: 1.0},
            "workers": {(): float(snapshot.workers)},
        }
    )


def _circuits(snapshot: Snapshot) -> dict[str, Series]:
    """Each worker says where it stands; a circuit is open when any of them has it open."""
    open_in: dict[Labels, float] = {}
    for (*deployment, state), workers in snapshot.numbers("circuit_state"):
        labels = tuple(deployment)
        open_in[labels] = open_in.get(labels, 0.0) + (workers if state == _OPEN else 0.0)
    states: dict[Labels, float] = {}
    for labels, workers in open_in.items():
        states[*labels, _OPEN] = float(workers > 0)
        states[*labels, _CLOSED] = float(workers == 0)
    return {"circuit_state": states, "circuit_open_workers": dict(open_in)}
