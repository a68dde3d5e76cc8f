"""Requests -> rows of history, counted as the plugin itself counts them. Pure."""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby

from litellm_obs_plugin.history.columns import Columns, join
from litellm_obs_plugin.history.level import floor_to
from litellm_obs_plugin.history.rollup import KEPT, to_columns
from litellm_obs_plugin.metrics.cardinality import DEFAULT_MAX_SERIES, clean, to_other
from litellm_obs_plugin.metrics.catalog import CATALOG, OPEN_LABELS, Labels, Metric
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot, Value
from litellm_obs_plugin.spend_import.entry import Entry

# What the spend log cannot tell: attempts before the last, and time that no provider took.
_UNTOLD = frozenset({"overhead_seconds", "request_attempts"})


class Tally:
    """Of each metric at most *max_series* label sets; further ones fold into ``other``."""

    def __init__(self, *, max_series: int = DEFAULT_MAX_SERIES) -> None:
        self._max_series = max_series
        self._metrics = [m for m in CATALOG if m.read and m.name in KEPT - _UNTOLD]
        self._known: dict[str, dict[Labels, Labels]] = {m.name: {} for m in self._metrics}

    def count(self, entries: Iterable[Entry], *, step_s: int) -> Columns:
        """Rows of *step_s* seconds; *entries* come in the order of time."""
        steps = groupby(entries, key=lambda entry: floor_to(entry.ended_at, step_s))
        return join(self._count_step(some, t=t) for t, some in steps)

    def _count_step(self, entries: Iterable[Entry], *, t: int) -> Columns:
        values: dict[SeriesName, list[float]] = {}
        for entry in entries:
            for metric, labels, value in self._samples(entry):
                values.setdefault(SeriesName(metric.name, labels), []).append(value)
        series: dict[str, dict[Labels, Value]] = {metric.name: {} for metric in self._metrics}
        domains = {metric.name: metric.domain for metric in self._metrics}
        for name, found in values.items():
            domain = domains[name.metric]
            whole = math.fsum(found) if domain is None else Sketch.of(domain, found)
            series[name.metric][name.labels] = whole
        return to_columns(Snapshot(started_at=t, taken_at=t, series=series), t=t)

    def _samples(self, entry: Entry) -> Iterator[tuple[Metric, Labels, float]]:
        for metric in self._metrics:
            assert metric.read is not None, "those without are left out"
            for labels, value in metric.read(entry.request):
                if value >= 0 and math.isfinite(value):
                    yield metric, self._admit(metric, labels), value

    def _admit(self, metric: Metric, labels: Labels) -> Labels:
        known = self._known[metric.name]
        found = known.get(labels)
        if found is None:
            found = clean(labels)
            if len(known) >= self._max_series and OPEN_LABELS.intersection(metric.labels):
                return to_other(SeriesName(metric.name, found)).labels
            known[labels] = found
        return found
