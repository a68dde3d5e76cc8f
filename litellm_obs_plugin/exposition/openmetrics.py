"""OpenMetrics 1.0 text: the classic page with exemplars, units and an end mark."""

from collections.abc import Collection

from litellm_obs_plugin.exposition.exemplar import label_pairs, place
from litellm_obs_plugin.exposition.family import Family, Histogram, base_name, select
from litellm_obs_plugin.exposition.label import escape
from litellm_obs_plugin.exposition.line import histogram_lines, number_lines
from litellm_obs_plugin.exposition.number import format_number
from litellm_obs_plugin.metrics.catalog import Kind
from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.snapshot import Snapshot

EOF = b"# EOF\n"


def render(snapshot: Snapshot, *, names: Collection[str] = ()) -> bytes:
    """The whole page with its end mark, or only the families called one of *names*."""
    return render_families(snapshot, names=names) + EOF


def render_families(snapshot: Snapshot, *, names: Collection[str] = ()) -> bytes:
    """The page without its end mark, for pages that go on.

    Lone surrogates in label values, which UTF-8 cannot carry, become question marks.
    """
    page = "".join(map(_family, select(snapshot, names=names)))
    return page.encode("utf-8", "replace")


def _family(family: Family) -> str:
    name, unit = base_name(family.metric), family.unit
    head = f"# HELP {name} {escape(family.metric.help)}\n# TYPE {name} {family.metric.kind}\n"
    if unit:
        head += f"# UNIT {name} {unit}\n"
    match family.metric.kind:
        case Kind.COUNTER | Kind.GAUGE:
            return head + number_lines(family)
        case Kind.SKETCH:
            return head + "".join([_histogram(family, h) for h in family.histograms])


def _histogram(family: Family, histogram: Histogram) -> str:
    tails = [""] * len(histogram.counts)
    placed = place(family.exemplars.get(histogram.labels, ()), bounds=family.buckets.bounds)
    for at, exemplar in placed.items():
        tails[at] = _tail(exemplar)
    return histogram_lines(family, histogram, tails=tails)


def _tail(exemplar: Exemplar) -> str:
    inside = ",".join(f'{name}="{escape(value)}"' for name, value in label_pairs(exemplar))
    return f" # {{{inside}}} {format_number(exemplar.value)} {exemplar.recorded_at:.3f}"
