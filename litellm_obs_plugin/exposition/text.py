"""Prometheus text 0.0.4: what every Prometheus, VictoriaMetrics and agent reads.

Sketches stand as classic histograms. Native histograms need protobuf; exemplars need OpenMetrics.
"""

from collections.abc import Collection

from litellm_obs_plugin.exposition.family import Family, select
from litellm_obs_plugin.exposition.line import histogram_lines, number_lines
from litellm_obs_plugin.metrics.catalog import Kind
from litellm_obs_plugin.metrics.snapshot import Snapshot


def render(snapshot: Snapshot, *, names: Collection[str] = ()) -> bytes:
    """The page, or only the families called one of *names*.

    Lone surrogates in label values, which UTF-8 cannot carry, become question marks.
    """
    page = "".join(map(_family, select(snapshot, names=names)))
    return page.encode("utf-8", "replace")


def _family(family: Family) -> str:
    metric = family.metric
    head = (
        f"# HELP {metric.full_name} {_escape_help(metric.help)}\n"
        f"# TYPE {metric.full_name} {metric.kind}\n"
    )
    match metric.kind:
        case Kind.COUNTER | Kind.GAUGE:
            return head + number_lines(family)
        case Kind.SKETCH:
            return head + _histograms(family)


def _histograms(family: Family) -> str:
    tails = [""] * len(family.buckets.le)
    return "".join([histogram_lines(family, h, tails=tails) for h in family.histograms])


def _escape_help(help: str) -> str:
    return help.replace("\\", r"\\").replace("\n", r"\n")
