"""A raw snapshot -> the one that surfaces show, with what is known only when one looks. Pure."""

from collections.abc import Collection

from litellm_obs_plugin.metrics.attribution import ATTRIBUTION, is_allowed
from litellm_obs_plugin.metrics.catalog import CATALOG, Labels
from litellm_obs_plugin.metrics.snapshot import Series, Snapshot

_OPEN, _CLOSED = "open", "closed"


def complete(snapshot: Snapshot, *, versions: tuple[str, str]) -> Snapshot:
    """*snapshot* with its own size, the versions, and the workers' circuits made one."""
    return snapshot.with_series(
        {
            **_circuits(snapshot),
            "plugin_active_series": {(): float(len(snapshot))},
            "plugin_info": {versions: 1.0},
            "plugin_damaged_files": {(): float(snapshot.damaged_files)},
            **_rate_limits(snapshot),
            "workers": {(): float(snapshot.workers)},
        }
    )


def for_page(snapshot: Snapshot, *, allowed: Collection[str]) -> Snapshot:
    """*snapshot* without what only other surfaces show, or what the operator does not allow."""
    shown: dict[str, Series] = {metric.name: {} for metric in CATALOG if metric.hidden}
    for metric in ATTRIBUTION:
        series = snapshot.series.get(metric.name, {})
        shown[metric.name] = {k: v for k, v in series.items() if is_allowed(metric, k, allowed)}
    return snapshot.with_series(shown)


def _rate_limits(snapshot: Snapshot) -> dict[str, Series]:
    """Of what the workers have seen of a provider's limits, the latest."""
    seen: dict[Labels, float] = {}
    ratios: dict[Labels, float] = {}
    values = dict(snapshot.numbers("worker_ratelimit_ratio"))
    for labels, at in snapshot.numbers("worker_ratelimit_seen"):
        if at > seen.get(labels[:-1], 0.0) and labels in values:
            seen[labels[:-1]], ratios[labels[:-1]] = at, values[labels]
    return {"ratelimit_remaining_ratio": ratios, "ratelimit_seen_timestamp_seconds": seen}


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
