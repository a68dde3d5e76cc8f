"""How each metric is read off a finished request: (label values, value) pairs.

This runs for every request: a reader with nothing to say answers the empty tuple, which costs a
tenth of a generator, and one that is asked of each attempt builds no list for the only one.
"""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import lru_cache, wraps
from itertools import pairwise

from litellm_obs_plugin.record import Attempt, Outcome, Request

Sample = tuple[tuple[str, ...], float]
Samples = Iterable[Sample]

STREAM = {True: "true", False: "false"}
_FAILED = frozenset({Outcome.ERROR, Outcome.REJECTED})
DAY_S = 86_400
_SUCCESS = Outcome.SUCCESS


def each_attempt(read: Callable[[Request, Attempt], Samples]) -> Callable[[Request], Samples]:
    """A reader that asks *read* of every attempt."""

    @wraps(read)
    def read_all(r: Request) -> Samples:
        attempts = r.attempts
        if len(attempts) == 1:
            return read(r, attempts[0])
        return [sample for attempt in attempts for sample in read(r, attempt)]

    return read_all


def requests(r: Request) -> Samples:
    return (((r.model_group, r.operation, STREAM[r.stream], r.outcome), 1.0),)


def requests_by_provider(r: Request) -> Samples:
    return (((r.provider, r.outcome), 1.0),)


def request_errors(r: Request) -> Samples:
    if r.failure is None or r.outcome not in _FAILED:
        return ()
    return (((r.model_group, r.failure.error_type, r.failure.source), 1.0),)


def request_duration(r: Request) -> Samples:
    if r.duration_s is None:
        return ()
    return (((r.model_group, STREAM[r.stream], r.outcome), r.duration_s),)


def request_attempts(r: Request) -> Samples:
    if r.outcome is Outcome.REJECTED:
        return ()
    return (((r.model_group,), float(len(r.attempts))),)


@each_attempt
def attempts(_: Request, a: Attempt) -> Samples:
    d = a.deployment
    error_type = a.failure.error_type if a.failure is not None else ""
    return (((d.model_group, d.provider, d.model, a.outcome, error_type), 1.0),)


def retries(r: Request) -> Samples:
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
    retried = len(r.attempts) > 1
    backoff_s = r.backoff_s if retried else 0.0
    gateway_s = r.duration_s - r.provider_s - backoff_s - (r.queue_s or 0.0)
    found: list[Sample] = [(("gateway",), max(gateway_s, 0.0))]
    if r.queue_s is not None:
        found.append((("queue",), r.queue_s))
    if retried:
        found.append((("backoff",), backoff_s))
    return found


@each_attempt
def provider_duration(r: Request, a: Attempt) -> Samples:
    if a.duration_s is None or a.outcome is not _SUCCESS:
        return ()
    d = a.deployment
    return (((d.provider, d.model, STREAM[r.stream]), a.duration_s),)


@each_attempt
def time_to_first_token(r: Request, a: Attempt) -> Samples:
    ttft = a.ttft if r.stream else None
    if ttft is None or ttft.value_s is None:
        return ()
    return (((a.deployment.provider, a.deployment.model), ttft.value_s),)


@each_attempt
def ttft_invalid(r: Request, a: Attempt) -> Samples:
    ttft = a.ttft if r.stream else None
    if ttft is None or ttft.invalid is None:
        return ()
    return (((a.deployment.provider, ttft.invalid), 1.0),)


@each_attempt
def time_per_output_token(r: Request, a: Attempt) -> Samples:
    ttft, tokens = a.ttft if r.stream else None, a.tokens
    if ttft is None or ttft.value_s is None or a.duration_s is None or tokens is None:
        return ()
    after_first = tokens.output + tokens.reasoning - 1
    if after_first < 1 or a.outcome is not _SUCCESS:
        return ()
    each_s = max(a.duration_s - ttft.value_s, 0.0) / after_first
    return (((a.deployment.provider, a.deployment.model), each_s),)


@each_attempt
def output_tokens_per_second(_: Request, a: Attempt) -> Samples:
    if a.tokens is None or not a.duration_s or a.outcome is not _SUCCESS:
        return ()
    output = a.tokens.output + a.tokens.reasoning
    if not output:
        return ()
    return (((a.deployment.provider, a.deployment.model), output / a.duration_s),)


@each_attempt
def tokens(_: Request, a: Attempt) -> Samples:
    t = a.tokens
    if t is None:
        return ()
    d = a.deployment
    group, provider, model = d.model_group, d.provider, d.model
    found: list[Sample] = []
    if t.input:
        found.append(((group, provider, model, "input"), float(t.input)))
    if t.cached_input:
        found.append(((group, provider, model, "cached_input"), float(t.cached_input)))
    if t.cache_write:
        found.append(((group, provider, model, "cache_write"), float(t.cache_write)))
    if t.output:
        found.append(((group, provider, model, "output"), float(t.output)))
    if t.reasoning:
        found.append(((group, provider, model, "reasoning"), float(t.reasoning)))
    return found


@each_attempt
def cost(_: Request, a: Attempt) -> Samples:
    if a.cost is None:
        return ()
    d = a.deployment
    group, provider, model = d.model_group, d.provider, d.model
    parts = a.cost.components_usd.items()
    return [((group, provider, model, component), usd) for component, usd in parts]


@each_attempt
def cost_by_day(_: Request, a: Attempt) -> Samples:
    usd = a.cost.total_usd if a.cost is not None else None
    return (((day_of(int(a.started_at // DAY_S)), a.deployment.model), usd),) if usd else ()


@lru_cache(maxsize=16)
def day_of(number: int) -> str:
    """For example 2026-11-26."""
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


@each_attempt
def cost_mismatches(_: Request, a: Attempt) -> Samples:
    if a.cost is None or a.cost.adds_up:
        return ()
    return (((a.deployment.provider,), 1.0),)


def cost_per_request(r: Request) -> Samples:
    usd = r.cost_usd
    return (((r.model_group,), usd),) if usd is not None else ()


@each_attempt
def cost_status(_: Request, a: Attempt) -> Samples:
    return (((a.cost.status,), 1.0),) if a.cost is not None else ()


@each_attempt
def unpriced(r: Request, a: Attempt) -> Samples:
    if a.cost is None or a.cost.unpriced_reason is None:
        return ()
    return (((r.model_group, a.cost.unpriced_reason), 1.0),)


def cache(r: Request) -> Samples:
    return (((r.model_group, "hit"), 1.0),) if r.outcome is Outcome.CACHE_HIT else ()


def cache_savings(r: Request) -> Samples:
    return (((r.model_group, "response"), r.cache_saved_usd),) if r.cache_saved_usd else ()
