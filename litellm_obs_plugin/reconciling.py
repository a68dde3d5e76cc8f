"""Compares our cost with the spend log's and Langfuse's: when asked, and every 15 minutes."""

import asyncio
import logging
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from litellm_obs_plugin.gateway_api.reconciliation import (
    Book,
    Cell,
    Reconciliation,
    days_of,
    reconcile,
)
from litellm_obs_plugin.host import spend_log
from litellm_obs_plugin.langfuse_settings import LangfuseSettings
from litellm_obs_plugin.metrics.election import Election
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.tracing import Tracing

if TYPE_CHECKING:
    from litellm_obs_plugin.langfuse.readback import ReadBack

log = logging.getLogger(__name__)

RATIO = "langfuse_cost_delta_ratio"
PERIOD_S = 900.0
KEPT_S = 60.0
_DAY_S = 86_400.0

T = TypeVar("T")


class Reader(Protocol):
    """Reads snapshots off the event loop."""

    async def view(self, key: Hashable, build: Callable[[Snapshot], T]) -> T: ...


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """*readback* is None when nothing goes to Langfuse. Results are kept for a minute."""

    reader: Reader
    readback: "ReadBack | None"
    note: str
    election: Election
    show: Callable[[float], None]
    failed: Callable[[str], None]
    clock: Callable[[], float]
    _kept: dict[str, tuple[float, dict[str, float]]] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def report(self, window_s: float) -> Reconciliation:
        """All books for the UTC days that the last *window_s* seconds touch.

        Raises:
            OSError: the state cannot be read.
        """
        days = days_of(window_s, now=self.clock())
        async with self._lock:  # one reader of Langfuse at a time: its rate limits are low
            spent, traced = await asyncio.gather(self._spend_log(days), self._langfuse(days))
        build = partial(reconcile, days=days, spend_log=spent, langfuse=traced)
        return await self.reader.view(object(), build)

    async def run(self) -> None:
        """Keep the metric fresh, in one worker, until cancelled."""
        while self.readback is not None:
            await asyncio.sleep(PERIOD_S)
            (found,) = await asyncio.gather(self._look(), return_exceptions=True)
            if isinstance(found, BaseException):
                self.failed("reconcile")

    async def _look(self) -> None:
        if self.election.is_won():
            ratio = (await self.report(_DAY_S)).total.langfuse_delta_ratio
            if ratio is not None and not self.note:
                self.show(ratio)

    async def _spend_log(self, days: list[str]) -> Book:
        if not spend_log.has_database():
            return Book(problem="LiteLLM has no database, so it keeps no spend log")
        (found,) = await asyncio.gather(spend_log.read_spend(days), return_exceptions=True)
        if isinstance(found, BaseException):
            self.failed("read_spend_log")
            return Book(problem=f"the spend log cannot be read: {type(found).__name__}")
        return Book(costs=found)

    async def _langfuse(self, days: list[str]) -> Book:
        if self.readback is None:
            return Book(problem="nothing is sent to Langfuse")
        return await asyncio.to_thread(self._read_back, self.readback, days)

    def _read_back(self, readback: "ReadBack", days: list[str]) -> Book:
        from litellm_obs_plugin.langfuse.readback import ReadBackError

        costs: dict[Cell, float] = {}
        try:
            for day in days:
                for model, usd in self._costs_of(readback, day).items():
                    costs[day, model] = usd
        except ReadBackError as error:
            return Book(problem=f"Langfuse's cost cannot be read: {error}")
        return Book(costs=costs, note=self.note)

    def _costs_of(self, readback: "ReadBack", day: str) -> dict[str, float]:
        read_at, costs = self._kept.get(day, (0.0, {}))
        if not 0 <= self.clock() - read_at < KEPT_S:
            costs = readback.costs(day)
            self._kept[day] = self.clock(), costs
        return costs


def build_reconciler(
    settings: LangfuseSettings, *, tracing: Tracing, election: Election, **rest: Any
) -> Reconciler:
    """A reconciler for what *tracing* sends; *rest* are the fields of :class:`Reconciler`."""
    readback = None
    if tracing.tracer is not None:
        from litellm_obs_plugin.langfuse.readback import ReadBack

        readback = ReadBack(
            project=tracing.tracer.project,
            environment=settings.environment,
            timeout_s=settings.timeout_s,
        )
    rate = settings.sample_rate
    note = f"only a share of {rate:g} of traces is sent" if rate < 1 else ""
    return Reconciler(readback=readback, note=note, election=election, **rest)
