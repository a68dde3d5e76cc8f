"""From a finished request to this worker's file: one pass over the catalogue, memory only."""

import logging
from collections.abc import Iterable
from typing import Any

from litellm_obs_plugin.metrics import figures
from litellm_obs_plugin.metrics.aspect import Aspects, aspects_of, has
from litellm_obs_plugin.metrics.cardinality import DEFAULT_MAX_SERIES as DEFAULT_MAX_SERIES
from litellm_obs_plugin.metrics.cardinality import clean, to_other
from litellm_obs_plugin.metrics.catalog import BY_NAME, CATALOG, OPEN_LABELS, Kind, Labels, Metric
from litellm_obs_plugin.metrics.exemplar import Origin
from litellm_obs_plugin.metrics.figures import Add, Figures
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.metric import Reader
from litellm_obs_plugin.metrics.number import Gauge
from litellm_obs_plugin.metrics.variety import Variety, variety_of
from litellm_obs_plugin.metrics.worker_file import FileState, WorkerFile
from litellm_obs_plugin.record import Request

log = logging.getLogger(__name__)

Slot = Any  # Counter, Gauge, Sketch, or MarkedSketch for metrics with exemplars
Row = tuple[Metric, dict[Labels, Slot], Reader, bool]
# What to add where for all requests of a variety, their figures, and the rows to read of each.
Plan = tuple[tuple[tuple[Add, float], ...], Figures, tuple[Row, ...]]

_MAX_PLANS = 1_000

INVALID_VALUE = "invalid_value"
STATE_FULL = "state_full"
_REFUSED = (ValueError, TypeError, OverflowError)  # what a slot says to a value that is no number


class Recorder:
    """Writes requests and single counts into one worker file. Thread-safe.

    Per metric at most *max_series* label sets; past that the labels whose values are not from a
    fixed list become ``other`` and ``series_overflow_total`` counts the sample. In a forked child
    the recorder continues in a file of the child's own.
    """

    def __init__(self, file: WorkerFile, *, max_series: int = DEFAULT_MAX_SERIES) -> None:
        self._max_series = max_series
        self._start_in(file)

    def record(self, request: Request) -> None:
        """Count *request* in every metric it concerns.

        A value that a metric refuses (NaN, infinite, negative) costs that sample alone.
        """
        with self._file.lock:
            if not self._is_writable():
                return
            origin, variety = _origin(request), variety_of(request)
            plan = self._plans.get(variety)
            rows = self._follow(plan, request, origin) if plan is not None else None
            if rows is None:
                rows = self._rows_for(request)
            for metric, series, read, exemplars in rows:
                for labels, value in read(request):
                    slot = series.get(labels) or self._admit(metric, labels)
                    if slot is None:
                        continue
                    try:
                        if exemplars:
                            slot.add(value, origin)
                        else:
                            slot.add(value)
                    except _REFUSED:
                        self._drop(INVALID_VALUE)
            if plan is None and variety is not None:
                self._make_plan(variety, request)

    def _follow(self, plan: Plan, request: Request, origin: Origin) -> tuple[Row, ...] | None:
        """Record what *plan* tells; the rows that it does not. None: it tells nothing this time."""
        fixed, told, rows = plan
        try:
            plain, marked = told.read(request)
        except LookupError:
            return None
        for add, value in fixed:
            add(value)
        for add, value in plain:
            try:
                add(value)
            except _REFUSED:
                self._drop(INVALID_VALUE)
        for add, value in marked:
            try:
                add(value, origin)
            except _REFUSED:
                self._drop(INVALID_VALUE)
        return rows

    def count(self, name: str, *labels: str, value: float = 1.0) -> None:
        """Add *value* to one counter or gauge by name.

        Raises:
            KeyError: the catalogue has no such metric.
            ValueError: the number of labels is not the catalogue's.
        """
        with self._file.lock:
            if self._is_writable():
                self._count(name, labels, value)

    def set(self, name: str, *labels: str, value: float) -> None:
        """Set one gauge of this worker; a snapshot shows the sum over the living workers.

        Raises:
            KeyError, ValueError: as :meth:`count`.
        """
        with self._file.lock:
            if self._is_writable():
                slot = self._series[name].get(labels) or self._admit(BY_NAME[name], labels)
                if isinstance(slot, Gauge):
                    slot.set(value)

    def _start_in(self, file: WorkerFile) -> None:
        self._file = file
        self._series: dict[str, dict[Labels, Slot]] = {metric.name: {} for metric in CATALOG}
        self._rows: dict[Aspects, tuple[Row, ...]] = {}
        self._plans: dict[Variety | None, Plan] = {}
        self._dropped: dict[str, Slot | None] = {}
        for reason in (INVALID_VALUE, STATE_FULL):  # at once: a full disk has no room for them
            self._dropped[reason] = self._admit(BY_NAME["plugin_events_dropped_total"], (reason,))

    def _make_plan(self, variety: Variety, request: Request) -> None:
        """Note what rows say of every request like this one, unless some of it is folded."""
        fixed: list[tuple[Add, float]] = []
        others = []
        for row in self._rows_for(request):
            metric, series, read, _ = row
            if not metric.by_variety:
                if metric.name not in figures.NAMES:
                    others.append(row)
                continue
            for labels, value in read(request):
                slot = series.get(labels)
                if slot is None:
                    return
                fixed.append((slot.add, value))
        if len(self._plans) >= _MAX_PLANS:
            self._plans.clear()
        known = self._series  # not self: in a cycle it would outlive its last use
        told = Figures(request, lambda name, labels: known[name].get(labels))
        self._plans[variety] = tuple(fixed), told, tuple(others)

    def _rows_for(self, request: Request) -> tuple[Row, ...]:
        """The rows that have something to say of requests like this one."""
        aspects = aspects_of(request)
        known = self._rows.get(aspects)
        if known is not None:
            return known
        rows = self._rows[aspects] = tuple(
            (metric, self._series[metric.name], metric.read, metric.exemplars)
            for metric in CATALOG
            if metric.read is not None and has(aspects, metric.of)
        )
        return rows

    def _is_writable(self) -> bool:
        if self._file.state is FileState.DISOWNED:
            try:
                file = self._file.renewed()
                file.lock = self._file.lock  # other threads of this process wait for that one
                self._start_in(file)
            except OSError as error:
                self._file.state = FileState.CLOSED
                log.warning("litellm_obs: this process records nothing: %s", error)
        return self._file.state is FileState.OPEN

    def _count(self, name: str, labels: Labels, value: float) -> None:
        slot = self._series[name].get(labels) or self._admit(BY_NAME[name], labels)
        if slot is not None:
            try:
                slot.add(value)
            except _REFUSED:
                self._drop(INVALID_VALUE)

    def _drop(self, reason: str) -> None:
        slot = self._dropped.get(reason)
        if slot is not None:
            slot.add(1.0)

    def _admit(self, metric: Metric, labels: Iterable[object]) -> Slot | None:
        """The series of labels that are not known as they came; None when the disk is full."""
        series, name = self._series[metric.name], SeriesName(metric.name, clean(labels))
        if len(name.labels) != len(metric.labels):
            msg = f"{metric.name}: expected values of {metric.labels}, got {name.labels}"
            raise ValueError(msg)
        if name.labels in series:
            return series[name.labels]
        if len(series) >= self._max_series and OPEN_LABELS.intersection(metric.labels):
            self._count("series_overflow_total", (metric.name,), 1.0)
            name = to_other(name)
            if name.labels in series:
                return series[name.labels]
        try:
            slot = series[name.labels] = self._new_slot(metric, name)
        except OSError:
            self._drop(STATE_FULL)
            return None
        return slot

    def _new_slot(self, metric: Metric, name: SeriesName) -> Slot:
        if metric.domain is not None and metric.exemplars:
            return self._file.marked_sketch(name, metric.domain)
        if metric.domain is not None:
            return self._file.sketch(name, metric.domain)
        if metric.kind is Kind.GAUGE:
            return self._file.gauge(name)
        return self._file.counter(name)


def _origin(request: Request) -> Origin:
    return Origin.of(
        trace_id=request.trace_id,
        request_id=request.call_id,
        recorded_at=request.received_at + (request.duration_s or 0.0),
    )
