"""Which charts there are."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """How a chart looks. *unit* is the words beside its title."""

    name: str
    title: str
    unit: str
    axis: str
    stacked: bool = False


SPECS = (
    ChartSpec(
        name="volume",
        title="Request volume",
        unit="requests per second",
        axis="count",
        stacked=True,
    ),
    ChartSpec(name="latency", title="Latency", unit="request duration", axis="duration"),
    ChartSpec(
        name="errors", title="Errors by type", unit="requests per step", axis="count", stacked=True
    ),
    ChartSpec(name="cost", title="Cost", unit="US dollars per step", axis="money", stacked=True),
    ChartSpec(
        name="tokens", title="Token usage", unit="tokens per step", axis="count", stacked=True
    ),
    ChartSpec(name="ttft", title="Time to first token", unit="streams", axis="duration"),
    ChartSpec(
        name="speed", title="Generation speed", unit="output tokens per second", axis="count"
    ),
    ChartSpec(
        name="overhead", title="Gateway overhead", unit="time in the gateway", axis="duration"
    ),
)
SPEC_OF = {spec.name: spec for spec in SPECS}
