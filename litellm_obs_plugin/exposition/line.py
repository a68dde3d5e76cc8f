"""Sample lines, alike in both text formats."""

from collections.abc import Sequence

from litellm_obs_plugin.exposition.family import Family, Histogram
from litellm_obs_plugin.exposition.label import braced, pairs
from litellm_obs_plugin.exposition.number import format_number


def number_lines(family: Family) -> str:
    """One line for each series of a counter or gauge."""
    name, labels, numbers = family.metric.full_name, family.metric.labels, family.numbers
    return "".join(
        [
            f"{name}{braced(labels, values)} {format_number(numbers[values])}\n"
            for values in sorted(numbers)
        ]
    )


def histogram_lines(family: Family, histogram: Histogram, *, tails: Sequence[str]) -> str:
    """The buckets of one series, each followed by one of *tails*, then its sum and count."""
    name, labels, values = family.metric.full_name, family.metric.labels, histogram.labels
    comma = "," if labels else ""
    head, outside = f"{name}_bucket{{{pairs(labels, values)}{comma}le=", braced(labels, values)
    buckets = [
        f'{head}"{le}"}} {count}{tail}\n'
        for le, count, tail in zip(family.buckets.le, histogram.counts, tails, strict=True)
    ]
    return (
        f"{''.join(buckets)}"
        f"{name}_sum{outside} {format_number(histogram.sketch.sum)}\n"
        f"{name}_count{outside} {histogram.counts[-1]}\n"
    )
