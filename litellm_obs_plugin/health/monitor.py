"""Keeps the last report at hand: made beside the requests, handed out at once."""

import asyncio
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from litellm_obs_plugin.health import assessment
from litellm_obs_plugin.health.assessment import Assessment, Evidence
from litellm_obs_plugin.health.component import (
    ComponentState,
    Source,
    StateFacts,
    judge_circuits,
    judge_host,
    judge_metrics,
)
from litellm_obs_plugin.health.finding import Probed
from litellm_obs_plugin.health.gauges import read_gauges
from litellm_obs_plugin.health.page import Page, render
from litellm_obs_plugin.health.prober import Prober
from litellm_obs_plugin.health.ring import Ring
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.health.vitals import Host, Vitals
from litellm_obs_plugin.metrics.snapshot import Series, Snapshot

WINDOW_S = 300.0
_LONGEST_PERIOD_S = 10.0
_ROUNDS_UNTIL_OLD = 3
_GRACE_S = 30.0
_UNTIL_ROUTER_S = 0.25

T = TypeVar("T")


class Reader(Protocol):
    """Reads snapshots off the event loop; :class:`metrics.shared_reader.SharedReader` is one."""

    async def view(self, key: Hashable, build: Callable[[Snapshot], T]) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Where the monitor looks. *probes* are the last ones by deployment."""

    host: Host
    reader: Reader
    probes: Callable[[], Mapping[str, Probed]]
    state: Callable[[], StateFacts]
    sources: Mapping[str, Source]


class Monitor:
    """One worker's view of the gateway. *prober* is None when probes are off."""

    def __init__(
        self,
        *,
        inputs: Inputs,
        prober: Prober | None,
        interval_s: float,
        version: str,
        failed: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._inputs = inputs
        self._prober = prober
        self._interval_s = interval_s
        self._version = version
        self._failed = failed
        self._clock = clock
        self.period_s = min(interval_s, _LONGEST_PERIOD_S)
        self._ring = Ring(window_s=WINDOW_S, recent_s=interval_s, period_s=self.period_s)
        self._lock = threading.Lock()
        self._started_at = clock()
        self._latest: Page | None = None

    async def run(self) -> None:
        """Look again every period, until cancelled."""
        while True:
            (found,) = await asyncio.gather(self.refresh(), return_exceptions=True)
            if isinstance(found, BaseException):
                self._failed("health")
            has_router = bool(self._inputs.host.targets())
            await asyncio.sleep(self.period_s if has_router else _UNTIL_ROUTER_S)

    async def run_probes(self) -> None:
        """The prober's rounds, each followed by a look, until cancelled."""
        if self._prober is not None:
            await self._prober.run(done=self.refresh)

    async def latest(self) -> Page:
        """The last report; the very first caller waits for it."""
        return self._latest if self._latest is not None else await self.refresh()

    async def probe_now(self) -> Page:
        """A fresh one, after a round of probes. One that fails is counted."""
        if self._prober is not None:
            try:
                await self._prober.probe_now()
            except OSError:
                self._failed("probe")
        return await self.refresh()

    async def refresh(self) -> Page:
        """Look at everything now."""
        vitals = await self._inputs.host.vitals()
        assess = partial(self._assess, vitals=vitals, targets=self._inputs.host.targets())
        try:
            self._latest = await self._inputs.reader.view("health", assess)
        except OSError as error:
            problem = f"the metrics state cannot be read: {error}"
            self._latest = await asyncio.to_thread(assess, None, problem=problem)
        return self._latest

    def overdue_s(self, page: Page) -> float | None:
        """How old *page* is, when that is more than it should be."""
        age_s = self._clock() - page.found.at
        return age_s if age_s > _ROUNDS_UNTIL_OLD * self.period_s + 1 else None

    def gauges(self) -> Mapping[str, Series]:
        """The last verdicts as metrics."""
        return read_gauges(self._latest.found) if self._latest is not None else {}

    def close(self) -> None:
        if self._prober is not None:
            self._prober.close()

    def _assess(
        self,
        snapshot: Snapshot | None,
        *,
        vitals: Vitals,
        targets: Sequence[Target],
        problem: str = "",
    ) -> Page:
        with self._lock:
            now = self._clock()
            if snapshot is not None:
                self._ring.add(snapshot)
            evidence = Evidence(
                ring=self._ring,
                snapshot=snapshot,
                probes=self._inputs.probes(),
                background=vitals.background,
                oldest_probe=now - _ROUNDS_UNTIL_OLD * self._interval_s - _GRACE_S,
            )
            providers = assessment.assess_providers(targets, evidence)
            components = self._components(snapshot, vitals, problem, known=len(targets), now=now)
        found = Assessment(
            at=now,
            status=assessment.assess_all(providers, components),
            can_serve=vitals.can_serve,
            providers=providers,
            components=components,
            totals=assessment.read_totals(snapshot, uptime_s=now - self._started_at),
        )
        return render(found, version=self._version)

    def _components(
        self, snapshot: Snapshot | None, vitals: Vitals, problem: str, *, known: int, now: float
    ) -> dict[str, ComponentState]:
        facts = StateFacts(problem=problem) if problem else self._inputs.state()
        resting = snapshot.by("circuit_open_workers", "deployment") if snapshot is not None else {}
        workers = snapshot.workers if snapshot is not None else 1
        return {
            **{name: source.check(now) for name, source in self._inputs.sources.items()},
            "metrics": judge_metrics(facts, snapshot=snapshot, ring=self._ring, now=now),
            "circuits": judge_circuits(resting, known=known, now=now),
            "host": judge_host(vitals, workers=workers, ring=self._ring, now=now),
        }
