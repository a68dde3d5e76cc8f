"""What the writer had seen when it wrote last, kept with the rows in one transaction.

So no count is written twice or lost, whatever dies when: the next rows are what came since.
"""

import zlib

import numpy as np
import sqlalchemy as sa

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.columns import Columns
from litellm_obs_plugin.history.rollup import KEPT
from litellm_obs_plugin.history.roster import Instance
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.metrics.catalog import BY_NAME, Labels
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot, Value

_FRESH_S = 600.0
_COMPRESSION = 1


def begin(live: Snapshot) -> Snapshot:
    """The baseline before anything was written.

    Of a state that is new, all counts are of this time. Of one that is old nobody knows when they
    came: they are left out.
    """
    if live.taken_at - live.started_at <= _FRESH_S:
        return Snapshot(started_at=live.started_at, taken_at=live.started_at)
    return live


def written_at(connection: sa.Connection, instance: Instance) -> float | None:
    """When the baseline was taken; None when nothing was written yet."""
    at = schema.baseline_at.c
    return connection.execute(sa.select(at.at).where(at.instance_id == instance.id)).scalar()


def load(connection: sa.Connection, instance: Instance) -> Snapshot | None:
    """The baseline; None when nothing was written yet."""
    at = schema.baseline_at
    found = connection.execute(sa.select(at).where(at.c.instance_id == instance.id)).first()
    if found is None:
        return None
    series: dict[str, dict[Labels, Value]] = {}
    query = sa.select(
        schema.series.c.metric,
        schema.series.c.labels,
        schema.baseline.c.value,
        schema.baseline.c.cells,
    ).join_from(schema.baseline, schema.series, schema.baseline.c.series_id == schema.series.c.id)
    for metric, labels, value, cells in connection.execute(query):
        stored = _decode(metric, value, cells)
        if stored is not None:
            series.setdefault(metric, {})[schema.read_labels(labels)] = stored
    return Snapshot(started_at=found.started_at, taken_at=found.at, series=series)


def save(
    store: Store,
    connection: sa.Connection,
    instance: Instance,
    *,
    seen: Snapshot,
    changed: Columns | None,
) -> None:
    """Make *seen* the baseline. *changed*: the series that are not as they were; None: all."""
    names = [
        name
        for name in (changed.names if changed is not None else _all_names(seen))
        if name.labels in seen.series.get(name.metric, {})
    ]
    ids = store.ids.of(connection, names)
    values = [
        {"series_id": id, **_encode(seen.series[name.metric][name.labels])}
        for id, name in zip(ids, names, strict=True)
    ]
    table = schema.baseline
    if changed is None:
        connection.execute(table.delete())
    elif values:
        known = [{"known": one["series_id"]} for one in values]
        connection.execute(table.delete().where(table.c.series_id == sa.bindparam("known")), known)
    if values:
        connection.execute(table.insert(), values)
    at = schema.baseline_at
    connection.execute(at.delete().where(at.c.instance_id == instance.id))
    connection.execute(
        at.insert().values(instance_id=instance.id, at=seen.taken_at, started_at=seen.started_at)
    )


def _all_names(seen: Snapshot) -> list[schema.SeriesName]:
    return [
        schema.SeriesName(metric, labels)
        for metric in KEPT & seen.series.keys()
        for labels in seen.series[metric]
    ]


def _encode(value: Value) -> dict[str, object]:
    if isinstance(value, Sketch):
        return {"value": 0.0, "cells": zlib.compress(value.array.tobytes(), _COMPRESSION)}
    return {"value": value, "cells": None}


def _decode(metric: str, value: float, cells: bytes | None) -> Value | None:
    """None for what another version has written."""
    known = BY_NAME.get(metric)
    if known is None or (known.domain is None) != (cells is None):
        return None
    if cells is None or known.domain is None:
        return value
    words = np.frombuffer(zlib.decompress(cells), dtype=np.int64)
    return Sketch.frozen(known.domain, words.copy()) if len(words) == known.domain.cells else None
