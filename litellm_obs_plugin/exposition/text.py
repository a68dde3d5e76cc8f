"""Prometheus text 0.0.4: what every Prometheus, VictoriaMetrics and agent reads.

Sketches stand as classic histograms. Native histograms need protobuf; exemplars need OpenMetrics.
"""

from collections.abc import Collection, Iterator

from litellm_obs_plugin.exposition.bucket import BUCKETS
from litellm_obs_plugin.exposition.family import Family, select
from litellm_obs_plugin.exposition.label import braced, pairs
from litellm_obs_plugin.exposition.number import format_number
from litellm_obs_plugin.metrics.catalog import Kind
from litellm_obs_plugin.metrics.snapshot import Snapshot


def render(snapshot: Snapshot, *, names: Collection[str] = ()) -> bytes:
    """The page, or only the families called one of *names*.

    Lone surrogates in label values, which UTF-8 cannot carry, become question marks.
    """
    lines = (line for family in select(snapshot, names=names) for line in _lines(family))
    return "".join(lines).encode("utf-8", "replace")


def _lines(family: Family) -> Iterator[str]:
    metric = family.metric
    yield f"# HELP {metric.full_name} {_escape_help(metric.help)}\n"
    yield f"# TYPE {metric.full_name} {metric.kind}\n"
    match metric.kind:
        case Kind.COUNTER | Kind.GAUGE:
            yield from _numbers(family)
        case Kind.SKETCH:
            yield from _histograms(family)


def _numbers(family: Family) -> Iterator[str]:
    name, labels = family.metric.full_name, family.metric.labels
    for values, value in family.numbers:
        yield f"{name}{braced(pairs(labels, values))} {format_number(value)}\n"


def _histograms(family: Family) -> Iterator[str]:
    name, labels, domain = family.metric.full_name, family.metric.labels, family.metric.domain
    assert domain is not None
    buckets, sketches = BUCKETS[domain], family.sketches
    for (values, sketch), counts in zip(
        sketches.items(), buckets.cumulate(sketches.values()), strict=True
    ):
        inside = pairs(labels, values)
        head = f"{name}_bucket{{{inside}{',' if inside else ''}le="
        for le, count in zip(buckets.le, counts, strict=True):
            yield f'{head}"{le}"}} {count}\n'
        yield f"{name}_sum{braced(inside)} {format_number(sketch.sum)}\n"
        yield f"{name}_count{braced(inside)} {counts[-1]}\n"


def _escape_help(help: str) -> str:
    return help.replace("\\", r"\\").replace("\n", r"\n")
