"""The figures of a request that one attempt answered, in one pass.

Requests of one variety differ in these alone, and each goes to a series that is looked up once. The
same as the readers of :mod:`reading` say one by one, in a third of the time; a metric that is not
here is read by its reader.
"""

from collections.abc import Callable
from typing import Any

from litellm_obs_plugin.metrics.metric import Labels
from litellm_obs_plugin.metrics.reading import DAY_S, STREAM, day_of
from litellm_obs_plugin.record import Attempt, Outcome, Request, Tokens

Add = Callable[..., object]
Sample = tuple[Add, float]
Slot = Any  # what has an add()

_DURATION = "request_duration_seconds"
_PROVIDER = "provider_duration_seconds"
_TTFT = "time_to_first_token_seconds"
_PER_TOKEN = "time_per_output_token_seconds"
_RATE = "output_tokens_per_second"
_OVERHEAD = "overhead_seconds"
_TOKENS = "tokens_total"
_COST = "cost_usd_total"
_EACH_COST = "cost_per_request_usd"
_DAY_COST = "cost_by_day_usd_total"

NAMES = frozenset(
    {
        *(_DURATION, _PROVIDER, _TTFT, _PER_TOKEN, _RATE),
        *(_OVERHEAD, _TOKENS, _COST, _EACH_COST, _DAY_COST),
    }
)


class _Adds(dict[str, Add]):
    """How to add to series of one metric, by the label value that differs."""

    def __init__(self, find: Callable[[str], Slot | None]) -> None:
        self._find = find

    def __missing__(self, part: str) -> Add:
        slot = self._find(part)
        if slot is None:
            raise LookupError(part)
        add: Add = slot.add
        self[part] = add
        return add


class Figures:
    """Where the figures of the requests of one variety go."""

    __slots__ = ("_costs", "_days", "_ones", "_overhead", "_tokens")

    def __init__(self, request: Request, find: Callable[[str, Labels], Slot | None]) -> None:
        """*find* answers None for a series that is not there, or is folded into another."""
        at = request.attempts[0].deployment
        group, stream = request.model_group, STREAM[request.stream]
        asked, answered = (at.provider, at.model), (at.model_group, at.provider, at.model)
        labels: dict[str, Labels] = {
            _DURATION: (group, stream, request.outcome),
            _PROVIDER: (*asked, stream),
            _TTFT: asked,
            _PER_TOKEN: asked,
            _RATE: asked,
            _EACH_COST: (group,),
        }
        self._ones = _Adds(lambda name: find(name, labels[name]))
        self._overhead = _Adds(lambda phase: find(_OVERHEAD, (phase,)))
        self._tokens = _Adds(lambda kind: find(_TOKENS, (*answered, kind)))
        self._costs = _Adds(lambda component: find(_COST, (*answered, component)))
        self._days = _Adds(lambda day: find(_DAY_COST, (day, at.model)))

    def read(self, r: Request) -> tuple[list[Sample], list[Sample]]:
        """What to add where; and the same of series that keep exemplars.

        Raises:
            LookupError: there is no such series yet, or it is folded into another.
        """
        a, ones = r.attempts[0], self._ones
        plain: list[Sample] = []
        marked: list[Sample] = []
        if r.duration_s is not None:
            marked.append((ones[_DURATION], r.duration_s))
            self._read_overhead(r, r.duration_s, plain)
        if a.duration_s is not None and a.outcome is Outcome.SUCCESS:
            marked.append((ones[_PROVIDER], a.duration_s))
        if a.tokens is not None:
            self._read_tokens(a, a.tokens, plain)
        ttft_s = a.ttft.value_s if r.stream and a.ttft is not None else None
        if ttft_s is not None:
            marked.append((ones[_TTFT], ttft_s))
            self._read_pace(a, ttft_s, plain)
        if a.cost is not None:
            costs = self._costs
            for component, usd in a.cost.components_usd.items():
                plain.append((costs[component], usd))
            total_usd = a.cost.total_usd
            if total_usd is not None:
                marked.append((ones[_EACH_COST], total_usd))
                if total_usd:
                    plain.append((self._days[day_of(int(a.started_at // DAY_S))], total_usd))
        return plain, marked

    def _read_overhead(self, r: Request, duration_s: float, plain: list[Sample]) -> None:
        provider_s, queue_s, add = r.attempts[0].duration_s, r.queue_s, self._overhead
        gateway_s = duration_s - (provider_s or 0.0) - (queue_s or 0.0)
        plain.append((add["gateway"], max(0.0, gateway_s)))
        if queue_s is not None:
            plain.append((add["queue"], queue_s))

    def _read_tokens(self, a: Attempt, t: Tokens, plain: list[Sample]) -> None:
        add = self._tokens
        if t.input:
            plain.append((add["input"], t.input))
        if t.cached_input:
            plain.append((add["cached_input"], t.cached_input))
        if t.cache_write:
            plain.append((add["cache_write"], t.cache_write))
        if t.output:
            plain.append((add["output"], t.output))
        if t.reasoning:
            plain.append((add["reasoning"], t.reasoning))
        output = t.output + t.reasoning
        if output and a.duration_s and a.outcome is Outcome.SUCCESS:
            plain.append((self._ones[_RATE], output / a.duration_s))

    def _read_pace(self, a: Attempt, ttft_s: float, plain: list[Sample]) -> None:
        if a.tokens is None or a.duration_s is None or a.outcome is not Outcome.SUCCESS:
            return
        after_first = a.tokens.output + a.tokens.reasoning - 1
        if after_first >= 1:
            each_s = max(a.duration_s - ttft_s, 0.0) / after_first
            plain.append((self._ones[_PER_TOKEN], each_s))
