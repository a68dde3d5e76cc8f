"""The answer for a window: of history where there is one, else since recording began."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from litellm_obs_plugin.gateway_api import models
from litellm_obs_plugin.gateway_api.build import build_metrics
from litellm_obs_plugin.gateway_api.filtered import build_filtered
from litellm_obs_plugin.gateway_api.query import MetricsQuery
from litellm_obs_plugin.gateway_api.timeline import (
    METRICS,
    build_changes,
    build_filtered_history,
    build_history,
)
from litellm_obs_plugin.history.frame import Frame
from litellm_obs_plugin.metrics.snapshot import Snapshot

if TYPE_CHECKING:
    from litellm_obs_plugin.history.past import Past, PastReader

# Of the window before, less than this share was watched: then there is nothing to compare with.
_COMPARABLE = 0.9
# An instance's rows come every ten seconds; this far back it is cut off, or gone.
_LATE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is the same for every window: how things stand now."""

    circuit_changes: Sequence[Mapping[str, Any]]
    providers: Mapping[str, models.ProviderState]


def build_window(
    live: Snapshot,
    archive: "PastReader | None",
    query: MetricsQuery,
    around: Surroundings,
) -> models.GatewayMetrics:
    """What *query* asks for.

    Raises:
        HistoryError: the history cannot be read.
    """
    if archive is None:
        return _build(live, query, around)
    end = min(query.until if query.until is not None else live.taken_at, live.taken_at)
    start = query.since if query.since is not None else end - query.window_s
    past = archive.read(start=start, end=end, live=live, metrics=_metrics(query))
    found = _with_instances(_of_past(past, live, query, around), past, live.taken_at)
    return found.model_copy(
        update={
            "change": _changes(found, past, live, archive, query, around),
            "history": _history(start, end, live, archive, query),
        }
    )


def _build(
    snapshot: Snapshot, query: MetricsQuery, around: Surroundings, covered_s: float | None = None
) -> models.GatewayMetrics:
    if query.filters:
        return build_filtered(
            snapshot,
            query.filters,
            asked_window_s=query.window_s,
            circuit_changes=around.circuit_changes,
            providers=around.providers,
            covered_s=covered_s,
        )
    return build_metrics(
        snapshot,
        asked_window_s=query.window_s,
        circuit_changes=around.circuit_changes,
        providers=around.providers,
        covered_s=covered_s,
    )


def _of_past(
    past: "Past", live: Snapshot, query: MetricsQuery, around: Surroundings
) -> models.GatewayMetrics:
    return _build(past.snapshot(live), query, around, past.covered_s)


def _with_instances(
    found: models.GatewayMetrics, past: "Past", now: float
) -> models.GatewayMetrics:
    """Of a fleet: who is in the window, and how late each is."""
    if not past.instances:
        return found
    length_s = max(past.end - past.start, 1.0)
    instances = [
        models.FleetInstance(
            name=one.name,
            host=one.host,
            counted_until=datetime.fromtimestamp(one.ready, UTC),
            late=now - one.ready > _LATE_S,
            coverage=min(one.covered_s / length_s, 1.0),
        )
        for one in past.instances
    ]
    window = found.window.model_copy(update={"instances": instances})
    return found.model_copy(update={"scope": "fleet", "window": window})


def _changes(
    found: models.GatewayMetrics,
    past: "Past",
    live: Snapshot,
    archive: "PastReader",
    query: MetricsQuery,
    around: Surroundings,
) -> models.Changes | None:
    before = archive.read(
        start=past.start - query.window_s, end=past.start, live=live, metrics=_metrics(query)
    )
    if before.covered_s < _COMPARABLE * query.window_s:
        return None
    return build_changes(found, _of_past(before, live, query, around))


def _history(
    start: float, end: float, live: Snapshot, archive: "PastReader", query: MetricsQuery
) -> models.History | None:
    if query.step_s is None:
        return None
    filters = query.filters
    wanted = filters.metrics if filters else METRICS
    past = archive.read(start=start, end=end, live=live, step_s=query.step_s, metrics=wanted)
    columns = past.columns
    if filters:
        columns = columns.only(lambda name: filters.fits(name.metric, name.labels))
    frame = Frame.lay_out(
        columns, past.intervals, start=past.start, end=past.end, step_s=past.fit_s
    )
    return build_filtered_history(frame, filters) if filters else build_history(frame)


def _metrics(query: MetricsQuery) -> Collection[str] | None:
    """Those to read; None: all."""
    return query.filters.metrics if query.filters else None
