"""What a metric is: one row of the catalogue."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from litellm_obs_plugin.metrics.aspect import Aspect
from litellm_obs_plugin.metrics.sketch import DOLLARS, MICROSECONDS, SECONDS, Domain
from litellm_obs_plugin.record import Request

PREFIX = "llm_gateway_"

Labels = tuple[str, ...]
Sample = tuple[Labels, float]
Reader = Callable[[Request], Iterable[Sample]]


class Kind(StrEnum):
    """The shape of a metric; a sketch is exported as a histogram."""

    COUNTER = "counter"
    GAUGE = "gauge"
    SKETCH = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row. *read* yields (label values, value) pairs; rows without it are counted by name.

    A request without the aspect *of* has nothing to say to *read*, which is not called then.
    """

    name: str
    help: str
    kind: Kind
    labels: Labels = ()
    unit: str = ""
    domain: Domain | None = None
    read: Reader | None = None
    of: Aspect | None = None
    by_variety: bool = False  # the same of all requests of one variety, see variety_of
    newest: bool = False  # of several workers' gauges the largest is shown, not the sum
    hidden: bool = False  # kept for other surfaces, not a family of the page
    prefix: str = PREFIX
    exemplars: bool = False  # keep the ids of some of the values, to find their requests by

    @property
    def full_name(self) -> str:
        return self.prefix + self.name


def counter(
    name: str,
    help: str,
    *labels: str,
    read: Reader | None = None,
    of: Aspect | None = None,
    by_variety: bool = False,
    unit: str = "",
    hidden: bool = False,
) -> Metric:
    """A row that counts, by its reader or by name."""
    return Metric(
        name=name,
        help=help,
        kind=Kind.COUNTER,
        labels=labels,
        unit=unit,
        read=read,
        of=of,
        by_variety=by_variety,
        hidden=hidden,
    )


def sketch(
    name: str,
    help: str,
    *labels: str,
    domain: Domain,
    read: Reader | None = None,
    of: Aspect | None = None,
    by_variety: bool = False,
    exemplars: bool = False,
    prefix: str = PREFIX,
) -> Metric:
    """A row that keeps a distribution."""
    return Metric(
        name=name,
        help=help,
        kind=Kind.SKETCH,
        labels=labels,
        unit={SECONDS: "seconds", MICROSECONDS: "seconds", DOLLARS: "usd"}.get(domain, ""),
        domain=domain,
        read=read,
        of=of,
        by_variety=by_variety,
        exemplars=exemplars,
        prefix=prefix,
    )


def gauge(
    name: str,
    help: str,
    *labels: str,
    unit: str = "",
    hidden: bool = False,
    newest: bool = False,
) -> Metric:
    """A row that says how something stands."""
    return Metric(
        name=name,
        help=help,
        kind=Kind.GAUGE,
        labels=labels,
        unit=unit,
        hidden=hidden,
        newest=newest,
    )
