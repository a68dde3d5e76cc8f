"""How each metric is read off a finished request: (label values, value) pairs.

This runs for every request and every row: a reader with nothing to say answers the empty tuple,
which costs a tenth of a generator.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from litellm_obs_plugin.record import Cost, Outcome, Request

Sample = tuple[tuple[str, ...], float]
Samples = Iterable[Sample]

_STREAM = {True: "true", False: "false"}
_FAILED = frozenset({Outcome.ERROR, Outcome.REJECTED})
_DAY_S = 86_400
_TOKEN_TYPES = ("input", "cached_input", "cache_write", "output", "reasoning")


def requests(r: Request) -> Samples:
    return (((r.model_group, r.operation, _STREAM[r.stream], r.outcome), 1.0),)


def requests_by_provider(r: Request) -> Samples:
    return (((r.provider, r.outcome), 1.0),)


def request_errors(r: Request) -> Samples:
    if r.failure is None or r.outcome not in _FAILED:
        return ()
    return (((r.model_group, r.failure.error_type, r.failure.source), 1.0),)


def request_duration(r: Request) -> Samples:
    if r.duration_s is None:
        return ()
    return (((r.model_group, _STREAM[r.stream], r.outcome), r.duration_s),)


def request_attempts(r: Request) -> Samples:
    if r.outcome is Outcome.REJECTED:
        return ()
    return (((r.model_group,), float(len(r.attempts))),)


def attempts(r: Request) -> Samples:
    found = []
    for a in r.attempts:
        d = a.deployment
        error_type = a.failure.error_type if a.failure is not None else ""
        found.append(((d.model_group, d.provider, d.model, a.outcome, error_type), 1.0))
    return found


def retries(r: Request) -> Samples:
    if len(r.attempts) < 2:
        return ()
    return [
        (
            (
                earlier.deployment.provider,
                earlier.failure.error_type if earlier.failure else "other",
            ),
            1.0,
        )
        for earlier, later in pairwise(r.attempts)
        if earlier.deployment.model_group == later.deployment.model_group
    ]


def failovers(r: Request) -> Samples:
    return [
        (
            (
                *(f.source.model_group, f.target.model_group, f.reason),
                "recovered" if f.recovered else "failed",
            ),
            1.0,
        )
        for f in r.failovers
    ]


def failover_delay(r: Request) -> Samples:
    return [((f.source.model_group,), f.delay_s) for f in r.failovers if f.delay_s is not None]


def failover_cost(r: Request) -> Samples:
    return [
        (
            (
                *(f.source.model_group, f.target.model_group),
                "added" if f.cost_added_usd >= 0 else "saved",
            ),
            abs(f.cost_added_usd),
        )
        for f in r.failovers
        if f.cost_added_usd is not None
    ]


def overhead(r: Request) -> Samples:
    if r.duration_s is None or not r.attempts:
        return ()
    backoff_s = r.backoff_s if len(r.attempts) > 1 else 0.0
    gateway_s = r.duration_s - r.provider_s - backoff_s - (r.queue_s or 0.0)
    found: list[Sample] = [(("gateway",), max(gateway_s, 0.0))]
    if r.queue_s is not None:
        found.append((("queue",), r.queue_s))
    if len(r.attempts) > 1:
        found.append((("backoff",), backoff_s))
    return found


def provider_duration(r: Request) -> Samples:
    return [
        ((a.deployment.provider, a.deployment.model, _STREAM[r.stream]), a.duration_s)
        for a in r.attempts
        if a.duration_s is not None and a.outcome is Outcome.SUCCESS
    ]


def time_to_first_token(r: Request) -> Samples:
    if not r.stream:
        return ()
    return [
        ((a.deployment.provider, a.deployment.model), a.ttft.value_s)
        for a in r.attempts
        if a.ttft is not None and a.ttft.value_s is not None
    ]


def ttft_invalid(r: Request) -> Samples:
    if not r.stream:
        return ()
    return [
        ((a.deployment.provider, a.ttft.invalid), 1.0)
        for a in r.attempts
        if a.ttft is not None and a.ttft.invalid is not None
    ]


def time_per_output_token(r: Request) -> Samples:
    if not r.stream:
        return ()
    found = []
    for a in r.attempts:
        if a.ttft is None or a.ttft.value_s is None or a.duration_s is None or a.tokens is None:
            continue
        if a.tokens.total_output > 1 and a.outcome is Outcome.SUCCESS:
            each_s = max(a.duration_s - a.ttft.value_s, 0.0) / (a.tokens.total_output - 1)
            found.append(((a.deployment.provider, a.deployment.model), each_s))
    return found


def output_tokens_per_second(r: Request) -> Samples:
    return [
        ((a.deployment.provider, a.deployment.model), a.tokens.total_output / a.duration_s)
        for a in r.attempts
        if a.tokens is not None and a.duration_s and a.outcome is Outcome.SUCCESS
        if a.tokens.total_output
    ]


def tokens(r: Request) -> Samples:
    found = []
    for a in r.attempts:
        if a.tokens is not None:
            d = a.deployment
            for kind in _TOKEN_TYPES:
                count = getattr(a.tokens, kind)
                if count:
                    found.append(((d.model_group, d.provider, d.model, kind), float(count)))
    return found


def cost(r: Request) -> Samples:
    found = []
    for a in r.attempts:
        if a.cost is not None:
            d = a.deployment
            for component, usd in a.cost.components_usd.items():
                found.append(((d.model_group, d.provider, d.model, component), usd))
    return found


def cost_by_day(r: Request) -> Samples:
    found = []
    for a in r.attempts:
        usd = a.cost.total_usd if a.cost is not None else None
        if usd:
            found.append(((_day(int(a.started_at // _DAY_S)), a.deployment.model), usd))
    return found


@lru_cache(maxsize=16)
def _day(number: int) -> str:
    """For example 2026-11-26."""
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def cost_mismatches(r: Request) -> Samples:
    return [
        ((a.deployment.provider,), 1.0)
        for a in r.attempts
        if a.cost is not None and not a.cost.adds_up
    ]


def _costs(r: Request) -> list[Cost]:
    return [a.cost for a in r.attempts if a.cost is not None]


def cost_per_request(r: Request) -> Samples:
    usd = r.cost_usd
    return (((r.model_group,), usd),) if usd is not None else ()


def cost_status(r: Request) -> Samples:
    return [((c.status,), 1.0) for c in _costs(r)]


def unpriced(r: Request) -> Samples:
    return [
        ((r.model_group, c.unpriced_reason), 1.0)
        for c in _costs(r)
        if c.unpriced_reason is not None
    ]


def cache(r: Request) -> Samples:
    return (((r.model_group, "hit"), 1.0),) if r.outcome is Outcome.CACHE_HIT else ()


def cache_savings(r: Request) -> Samples:
    return (((r.model_group, "response"), r.cache_saved_usd),) if r.cache_saved_usd else ()
