"""Series by the number that rows know them by."""

from collections.abc import Sequence

import sqlalchemy as sa

from litellm_obs_plugin.history import schema
from litellm_obs_plugin.history.roster import insert_new
from litellm_obs_plugin.metrics.layout import SeriesName


class SeriesIds:
    """Remembers what a database said; for one thread."""

    def __init__(self) -> None:
        self._ids: dict[SeriesName, int] = {}

    def of(self, connection: sa.Connection, names: Sequence[SeriesName]) -> list[int]:
        """The ids of series, new or known."""
        unknown = [name for name in names if name not in self._ids]
        if unknown:
            self._learn(connection)
        # In one order for all, so that two instances never wait for each other.
        new = sorted({name for name in unknown if name not in self._ids}, key=_order)
        if new:
            values = [{"metric": n.metric, "labels": schema.write_labels(n.labels)} for n in new]
            connection.execute(insert_new(connection, schema.series), values)
            self._learn(connection)
        return [self._ids[name] for name in names]

    def forget(self) -> None:
        """Ids given in a transaction that is undone are no ids."""
        self._ids.clear()

    def _learn(self, connection: sa.Connection) -> None:
        series = schema.series.c
        found = connection.execute(sa.select(series.id, series.metric, series.labels))
        self._ids = {
            SeriesName(metric, schema.read_labels(labels)): id for id, metric, labels in found
        }


def _order(name: SeriesName) -> tuple[str, tuple[str, ...]]:
    return name.metric, name.labels
