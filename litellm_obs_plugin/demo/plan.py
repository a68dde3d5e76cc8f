"""The plan of one answer: fixed before the first byte, from the prompt, the clock and the seed."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from litellm_obs_plugin.demo.directives import Directives, parse_directives
from litellm_obs_plugin.demo.faults import PROFILES, Fault, FaultKind, Schedule
from litellm_obs_plugin.demo.latency import latency_of
from litellm_obs_plugin.demo.usage import Usage, draw_usage
from litellm_obs_plugin.demo.wire import Ask, Wire

_MAX_CASES = 10_000
_MAX_ANSWER_S = 8.0
_MAX_WORDS = 48
_TEST_LATENCY_SCALE = 0.05
_WORDS = ("the ", "gateway ", "keeps ", "an ", "honest ", "count ", "of ", "every ", "call ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to answer one call.

    A stream sends its first word after `first_s` and the next ones `gap_s` apart; an answer in
    one piece comes after `whole_s`.
    """

    case: str | None
    fault: Fault | None
    usage: Usage
    words: tuple[str, ...]
    first_s: float
    gap_s: float
    whole_s: float
    limit: tuple[int, int] | None = None


@dataclass(slots=True, kw_only=True)
class Planner:
    """Makes plans. *clock* is monotonic seconds; the schedule counts from its first reading."""

    schedule: Schedule
    rng: random.Random
    clock: Callable[[], float]
    latency_scale: float = 1.0
    _start_s: float = field(init=False)
    _failed: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._start_s = self.clock()

    def plan(self, ask: Ask, wire: Wire) -> Plan:
        directives = parse_directives(ask.prompt)
        usage = wire.reported(directives.usage or self._draw_usage(ask))
        chunks = directives.chunks
        if chunks is None:
            chunks = min(max(1, usage.output_tokens), _MAX_WORDS)
        latency = latency_of(ask.model)
        drawn_first_s = latency.draw_ttft_s(self.rng) * self.latency_scale
        rest_s = latency.draw_per_token_s(self.rng) * usage.output_tokens * self.latency_scale
        rest_s = min(rest_s, _MAX_ANSWER_S)
        fixed_s = directives.latency_s
        fault = self._fault(ask, directives)
        delay_s = fault.delay_s if fault and fault.kind is FaultKind.SLOW else 0.0
        gap_s = directives.gap_s
        return Plan(
            case=directives.case,
            fault=fault,
            usage=usage,
            words=tuple(_WORDS[i % len(_WORDS)] for i in range(chunks)),
            first_s=delay_s + (drawn_first_s if fixed_s is None else fixed_s),
            gap_s=rest_s / max(1, chunks) if gap_s is None else gap_s,
            limit=directives.limit,
            whole_s=delay_s + (drawn_first_s + rest_s if fixed_s is None else fixed_s),
        )

    def outage(self, provider: str) -> Fault | None:
        """What all of *provider* suffers from now."""
        return self.schedule.outage(provider, self.clock() - self._start_s)

    def reset(self) -> None:
        """Forget which cases have had their faults."""
        self._failed.clear()

    def _draw_usage(self, ask: Ask) -> Usage:
        reasons = ask.model.startswith(("o1", "o3", "o4", "gpt-5"))
        return draw_usage(
            ask.prompt,
            self.rng,
            reasons=reasons,
            writes_cache=ask.provider == "anthropic",
        )

    def _fault(self, ask: Ask, directives: Directives) -> Fault | None:
        for rule in directives.faults:
            if not rule.covers(ask.provider, ask.model):
                continue
            if rule.first is None or self._count(ask, directives, rule.target) <= rule.first:
                return rule.fault
        return self.schedule.fault(ask.provider, ask.model, self.clock() - self._start_s, self.rng)

    def _count(self, ask: Ask, directives: Directives, target: str) -> int:
        """How many calls of this case have met *target*, this one included."""
        key = (directives.case or ask.prompt, target)
        count = self._failed.pop(key, 0) + 1
        self._failed[key] = count
        if len(self._failed) > _MAX_CASES:
            self._failed.popitem(last=False)
        return count


def planner(*, profile: str, rng: random.Random, clock: Callable[[], float]) -> Planner:
    """The planner of a *profile*: "demo" has faults, "test" has none and is fast."""
    return Planner(
        schedule=PROFILES[profile],
        rng=rng,
        clock=clock,
        latency_scale=_TEST_LATENCY_SCALE if profile == "test" else 1.0,
    )
