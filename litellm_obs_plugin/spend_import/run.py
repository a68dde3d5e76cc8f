"""The import as a whole: which hours, what came of it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from litellm_obs_plugin.history.level import HOUR_S, ceil_to, floor_to
from litellm_obs_plugin.history.past_hours import Hour, PastHours
from litellm_obs_plugin.host.price import PriceOf
from litellm_obs_plugin.spend_import.entry import Entry, read_entry
from litellm_obs_plugin.spend_import.spend_log import SpendLog
from litellm_obs_plugin.spend_import.tally import Tally

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The *hours* to import, newest first, each with its number of rows; *known* ones are in.

    Requests count that ended before *begun_at*, when the plugin's own rows begin.
    """

    hours: dict[int, int]
    known: int
    begun_at: float

    @property
    def rows(self) -> int:
        return sum(self.hours.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What was imported. *skipped* are LiteLLM's own health checks."""

    hours: int = 0
    requests: int = 0
    skipped: int = 0
    cost_usd: float = 0.0
    tokens: int = 0


def make_plan(log: SpendLog, past: PastHours, *, since: float, until: float) -> Plan:
    """The hours from *since* to *until* that have rows and are not in yet.

    Raises:
        SpendLogError: the spend log cannot be read.
        LookupError: the proxy has written no history yet.
        sqlalchemy.exc.DBAPIError: the history cannot be read.
    """
    begun_at = past.begun_at()
    if begun_at is None:
        raise LookupError("the proxy has written no history of its own yet")
    # Whole hours: one that is in is in whole.
    start, end = floor_to(since, HOUR_S), min(ceil_to(until, HOUR_S), begun_at)
    found = log.hours(start=start, end=end) if start < end else {}
    done = past.done()
    return Plan(
        hours={t: count for t, count in found.items() if t not in done},
        known=sum(1 for t in found if t in done),
        begun_at=begun_at,
    )


def run_plan(
    plan: Plan,
    log: SpendLog,
    past: PastHours,
    *,
    price_of: PriceOf,
    tally: Tally,
    advance: Progress,
    dry: bool = False,
) -> Total:
    """Import hour by hour, the newest first; what is in stays in, whatever ends this.

    *advance* is told the number of rows after each hour; *dry*: nothing is written.

    Raises:
        SpendLogError, sqlalchemy.exc.DBAPIError: as for :func:`make_plan`.
    """
    totals = [_import_hour(t, plan, log, past, price_of, tally, advance, dry) for t in plan.hours]
    return Total(
        hours=sum(one.hours for one in totals),
        requests=sum(one.requests for one in totals),
        skipped=sum(one.skipped for one in totals),
        cost_usd=math.fsum(one.cost_usd for one in totals),
        tokens=sum(one.tokens for one in totals),
    )


def _import_hour(
    t: int,
    plan: Plan,
    log: SpendLog,
    past: PastHours,
    price_of: PriceOf,
    tally: Tally,
    advance: Progress,
    dry: bool,
) -> Total:
    step_s = past.step_s(t, begun_at=plan.begun_at)
    watch = _Watch()
    entries = watch.pass_on(_entries(t, plan, log, price_of, watch))
    columns = tally.count(entries, step_s=step_s)
    hour = Hour(t=t, requests=watch.requests, columns=columns)
    is_new = dry or past.add(hour, begun_at=plan.begun_at)
    advance(plan.hours[t])
    return watch.total() if is_new else Total()


class _Watch:
    """Adds up what passes."""

    def __init__(self) -> None:
        self.requests = 0
        self.skipped = 0
        self._usd: list[float] = []
        self._tokens = 0

    def pass_on(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self.requests += 1
            self._usd.append(entry.request.cost_usd or 0.0)
            self._tokens += entry.request.total_tokens or 0
            yield entry

    def total(self) -> Total:
        return Total(
            hours=1,
            requests=self.requests,
            skipped=self.skipped,
            cost_usd=math.fsum(self._usd),
            tokens=self._tokens,
        )


def _entries(
    t: int, plan: Plan, log: SpendLog, price_of: PriceOf, watch: _Watch
) -> Iterator[Entry]:
    for row in log.rows(start=t, end=min(t + HOUR_S, plan.begun_at)):
        entry = read_entry(row.values, ended_at=row.ended_at, price_of=price_of)
        if entry is None:
            watch.skipped += 1
        else:
            yield entry
