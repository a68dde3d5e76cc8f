"""Bounds on series: callers choose label values, so those are untrusted input."""

from collections.abc import Iterable

from litellm_obs_plugin.metrics.catalog import BY_NAME, OPEN_LABELS, Labels
from litellm_obs_plugin.metrics.file_reader import Raw
from litellm_obs_plugin.metrics.layout import SeriesName
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.tally import Tally
from litellm_obs_plugin.record import OTHER

DEFAULT_MAX_SERIES = 500
MAX_LABEL_CHARS = 200


def clean(labels: Iterable[object]) -> Labels:
    """Label values that every format can carry: text of bounded length that UTF-8 can encode."""
    return tuple(
        str(value)[:MAX_LABEL_CHARS].encode("utf-8", "replace").decode() for value in labels
    )


def to_other(name: SeriesName) -> SeriesName:
    """The series that takes *name*'s samples past the cap: open labels become ``other``.

    A metric that the catalogue does not know, or knows with other labels, has only open ones.
    """
    metric = BY_NAME.get(name.metric)
    if metric is None or len(metric.labels) != len(name.labels):
        return SeriesName(name.metric, (OTHER,) * len(name.labels))
    pairs = zip(metric.labels, name.labels, strict=True)
    return SeriesName(
        name.metric, tuple(OTHER if label in OPEN_LABELS else value for label, value in pairs)
    )


def cap(series: Iterable[tuple[SeriesName, Raw]], *, max_series: int) -> Tally:
    """*series* with at most *max_series* of each metric, the largest; ``other`` holds the rest.

    Series that are ``other`` already come on top. No count is lost.
    """
    named: dict[str, list[tuple[SeriesName, Raw]]] = {}
    capped = Tally()
    for name, raw in series:
        if to_other(name) == name:
            capped.add(name, raw)
        else:
            named.setdefault(name.metric, []).append((name, raw))
    for group in named.values():
        group.sort(key=lambda item: (-_weight(item[1]), item[0].labels))
        for at, (name, raw) in enumerate(group):
            capped.add(name if at < max_series else to_other(name), raw)
    return capped


def _weight(raw: Raw) -> float:
    return raw.count if isinstance(raw, Sketch) else raw[0]
