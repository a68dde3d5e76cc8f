"""Exemplars where they belong: at most one per bucket, with labels no format refuses."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from litellm_obs_plugin.metrics.exemplar import Exemplar

# OpenMetrics 1.0: label names and values of an exemplar together.
MAX_LABEL_CHARACTERS = 128

LabelPairs = tuple[tuple[str, str], ...]


def place(exemplars: Iterable[Exemplar], *, bounds: Sequence[float]) -> dict[int, Exemplar]:
    """The latest exemplar of each bucket, by the index of its bound."""
    latest = sorted(
        (e for e in exemplars if label_pairs(e)), key=lambda exemplar: exemplar.recorded_at
    )
    return {bisect_left(bounds, exemplar.value): exemplar for exemplar in latest}


def label_pairs(exemplar: Exemplar) -> LabelPairs:
    """The ids that fit into the limit, the trace first; an id is never cut short."""
    fitting: list[tuple[str, str]] = []
    left = MAX_LABEL_CHARACTERS
    for name, value in (("trace_id", exemplar.trace_id), ("request_id", exemplar.request_id)):
        if value and len(name) + len(value) <= left:
            fitting.append((name, value))
            left -= len(name) + len(value)
    return tuple(fitting)
