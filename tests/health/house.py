"""A monitor with stand-ins for the host, and the states of a gateway to show it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from litellm_obs_plugin.health.component import NotConfigured, StateFacts
from litellm_obs_plugin.health.finding import Finding, Phases, Probed
from litellm_obs_plugin.health.monitor import Inputs, Monitor
from litellm_obs_plugin.health.signals import Counts, Signals, Traffic
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.health.vitals import Vitals
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Deployment

NOW = 1_750_000_000.0
WELL = Vitals(litellm_version="1.106.2", has_router=True)


def deployment(name="a", *, group="chat", provider="openai", model="m") -> Deployment:
    return Deployment(id=f"dep-{name}", model_group=group, model=model, provider=provider)


def target(name="a", *, base="https://api.example/v1", **of_deployment) -> Target:
    return Target(deployment=deployment(name, **of_deployment), base_url=base, url=f"{base}/models")


def counts(successes=0, **failures) -> Counts:
    return Counts(successes=successes, failures=failures)


def traffic(window=None, recent=None, *, age_s=1.0) -> Traffic:
    return Traffic(
        window=window or counts(),
        recent=recent or counts(),
        window_s=300.0,
        recent_s=30.0,
        age_s=age_s,
    )


def probed(finding=Finding.OK, *, total_s=0.02, detail="it fails", at=NOW, **more) -> Probed:
    words = "" if finding is Finding.OK else detail
    return Probed(at=at, finding=finding, phases=Phases(http_s=total_s), detail=words, **more)


def signals(**given) -> Signals:
    return Signals(**given)


def attempts(*rows) -> dict:
    """Rows of (group, provider, model, outcome, error type, count)."""
    return {tuple(row[:-1]): float(row[-1]) for row in rows}


def snapshot(*rows, at=NOW, workers=1, **series) -> Snapshot:
    return Snapshot(
        started_at=NOW - 1000,
        taken_at=at,
        workers=workers,
        series={"attempts_total": attempts(*rows), **series},
    )


@dataclass
class FakeHost:
    """A proxy with these deployments."""

    listed: list[Target] = field(default_factory=lambda: [target()])
    now: Vitals = WELL

    def targets(self) -> list[Target]:
        return self.listed

    async def vitals(self) -> Vitals:
        return self.now

    def be(self, **changed) -> None:
        self.now = replace(self.now, **changed)


@dataclass
class FakeReader:
    """Gives the snapshot it is told to; or fails as told."""

    shown: Snapshot = field(default_factory=snapshot)
    error: OSError | None = None

    async def view(self, key, build):
        if self.error is not None:
            raise self.error
        return build(self.shown)


@dataclass
class House:
    """The monitor and all that it looks at."""

    host: FakeHost = field(default_factory=FakeHost)
    reader: FakeReader = field(default_factory=FakeReader)
    probes: dict[str, Probed] = field(default_factory=dict)
    facts: StateFacts = field(default_factory=StateFacts)
    prober: object = None
    interval_s: float = 30.0
    now: float = NOW
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monitor = Monitor(
            inputs=Inputs(
                host=self.host,
                reader=self.reader,
                probes=lambda: self.probes,
                state=lambda: self.facts,
                sources={"langfuse": NotConfigured(), "history": NotConfigured()},
            ),
            prober=self.prober,
            interval_s=self.interval_s,
            version="9.9.9",
            failed=self.failures.append,
            clock=lambda: self.now,
        )

    async def see(self, *rows, after_s=10.0, **series):
        """Time goes on, and the state says so."""
        self.now += after_s
        self.reader.shown = snapshot(*rows, at=self.now, **series)
        return (await self.monitor.refresh()).found
