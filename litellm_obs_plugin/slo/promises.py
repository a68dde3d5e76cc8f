"""Counts requests under objectives, and shows how they stand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from litellm_obs_plugin.metrics.metric import Labels
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Request
from litellm_obs_plugin.slo.meter import Counter
from litellm_obs_plugin.slo.objective import EVENTS, Objective, ObjectiveState, read_objective

# Every look at the counts shows the gauges; the shortest window is 300 s, so they may be so old.
FRESH_S = 3.0
# What a live snapshot and so many seconds before it counted; None when that is not known.
Past = Callable[[Snapshot, float], Snapshot | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveMeter:
    """Takes finished requests."""

    objectives: Sequence[Objective]
    counter: Counter

    def record(self, request: Request) -> None:
        """Count *request* under every objective that it says something of."""
        for objective in self.objectives:
            result = objective.judge(request)
            if result is not None:
                self.counter.count(EVENTS, objective.name, result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """All objectives, and where their past is read. For one thread."""

    objectives: Sequence[Objective]
    past: Past
    _known: "_Known" = field(default_factory=lambda: _Known(), repr=False, compare=False)

    def states(self, live: Snapshot) -> Sequence[ObjectiveState]:
        """How every objective stands at the time of *live*, or at most :data:`FRESH_S` before."""
        if not self.objectives:
            return ()
        if not 0 <= live.taken_at - self._known.at < FRESH_S:
            self._known.states, self._known.at = self._read(live), live.taken_at
        return self._known.states

    def _read(self, live: Snapshot) -> Sequence[ObjectiveState]:
        events = Snapshot(
            started_at=live.started_at,
            taken_at=live.taken_at,
            workers=live.workers,
            series={EVENTS: live.series.get(EVENTS, {})},
        )
        last = cache(lambda seconds: self.past(events, seconds))
        return tuple(read_objective(one, last, now=live.taken_at) for one in self.objectives)

    def show(self, snapshot: Snapshot) -> Snapshot:
        """*snapshot* with the objectives' gauges."""
        if not self.objectives:
            return snapshot
        objectives: dict[Labels, float] = {}
        burn_rates: dict[Labels, float] = {}
        remaining: dict[Labels, float] = {}
        for state in self.states(snapshot):
            name = state.objective.name
            objectives[name,] = state.objective.objective
            if state.budget_remaining is not None:
                remaining[name,] = state.budget_remaining
            for window, rate in state.burn_rates.items():
                if rate is not None:
                    burn_rates[name, window] = rate
        return snapshot.with_series(
            {
                "slo_objective_ratio": objectives,
                "slo_burn_rate": burn_rates,
                "slo_budget_remaining_ratio": remaining,
            }
        )


@dataclass(slots=True)
class _Known:
    """The last states, and when they were read (seconds since the epoch)."""

    at: float = -math.inf
    states: Sequence[ObjectiveState] = ()


def since_start(live: Snapshot, seconds: float) -> Snapshot | None:
    """The past without history: known as long as recording is younger than the window."""
    return live if live.taken_at - live.started_at <= seconds else None
