"""What LiteLLM's own budgets of keys and teams were seen to be."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from litellm_obs_plugin.host.meter import Meter
from litellm_obs_plugin.record import HostBudget, Request
from litellm_obs_plugin.slo.key_budget import SEEN, Part

_MAX_FIRST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBudgetMeter:
    """Takes finished requests; the last one of a key or team says how its budget stands.

    Spending is measured from the first sight in this worker; when it falls, LiteLLM has reset it.
    """

    meter: Meter
    clock: Callable[[], float]
    worker: str = field(default_factory=lambda: str(os.getpid()))
    _first: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def record(self, request: Request) -> None:
        """Note the budgets that *request* ran under."""
        for budget in request.caller.budgets:
            now = self.clock()
            since, since_usd = self._first_sight(budget, now)
            parts = {
                Part.LIMIT: budget.limit_usd,
                Part.SPENT: budget.spent_usd,
                Part.RESETS: budget.resets_at or 0.0,
                Part.SINCE: since,
                Part.SINCE_USD: since_usd,
                Part.SEEN: now,
            }
            for part, value in parts.items():
                self.meter.set(SEEN, budget.owner, budget.name, part, self.worker, value=value)

    def _first_sight(self, budget: HostBudget, now: float) -> tuple[float, float]:
        """When this spending was first seen, and how much it was then."""
        key = (budget.owner.value, budget.name)
        first = self._first.get(key)
        if first is None or budget.spent_usd < first[1]:
            if len(self._first) >= _MAX_FIRST:
                self._first.pop(next(iter(self._first)))
            first = self._first[key] = (now, budget.spent_usd)
        return first
