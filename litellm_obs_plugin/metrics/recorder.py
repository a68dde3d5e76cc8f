"""From a finished request to this worker's file: one pass over the catalogue, memory only."""

from collections.abc import Callable, Iterable

from litellm_obs_plugin.metrics.catalog import BY_NAME, CATALOG, OPEN_LABELS, Kind, Labels, Metric
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.worker_file import Counter, Gauge, WorkerFile
from litellm_obs_plugin.record import OTHER, Request

DEFAULT_MAX_SERIES = 500


class Recorder:
    """Writes requests and single counts into one worker file.

    Per metric at most *max_series* label sets; past that the labels whose values are not from a
    fixed list become ``other`` and ``series_overflow_total`` counts the sample.
    """

    def __init__(self, file: WorkerFile, *, max_series: int = DEFAULT_MAX_SERIES) -> None:
        self._file = file
        self._max_series = max_series
        self._series: dict[str, dict[Labels, Callable[[float], None]]] = {
            metric.name: {} for metric in CATALOG
        }
        self._rows = tuple(
            (metric, self._series[metric.name], metric.read) for metric in CATALOG if metric.read
        )

    def record(self, request: Request) -> None:
        """Count *request* in every metric it concerns.

        A value that a metric refuses (NaN, infinite, negative) costs that sample alone.
        """
        for metric, series, read in self._rows:
            self._add_all(metric, series, read(request))

    def count(self, name: str, *labels: str, value: float = 1.0) -> None:
        """Add *value* to one counter by name."""
        self._add_all(BY_NAME[name], self._series[name], ((labels, value),))

    def _add_all(
        self,
        metric: Metric,
        series: dict[Labels, Callable[[float], None]],
        samples: Iterable[tuple[Labels, float]],
    ) -> None:
        for labels, value in samples:
            add = series.get(labels) or self._admit(metric, labels)
            try:
                add(value)
            except ValueError:
                self.count("plugin_events_dropped_total", "invalid_value")

    def _admit(self, metric: Metric, labels: Labels) -> Callable[[float], None]:
        series = self._series[metric.name]
        if len(series) >= self._max_series and OPEN_LABELS.intersection(metric.labels):
            self.count("series_overflow_total", metric.name)
            labels = tuple(
                OTHER if name in OPEN_LABELS else value
                for name, value in zip(metric.labels, labels, strict=True)
            )
            if labels in series:
                return series[labels]
        slot = self._slot(metric, SeriesName(metric.name, tuple(map(str, labels))))
        series[labels] = slot.add
        return slot.add

    def _slot(self, metric: Metric, name: SeriesName) -> Counter | Gauge | Sketch:
        if metric.domain is not None:
            return self._file.sketch(name, metric.domain)
        if metric.kind is Kind.GAUGE:
            return self._file.gauge(name)
        return self._file.counter(name)
