"""How each metric is read off a finished request: (label values, value) pairs."""

from collections.abc import Iterator
from itertools import pairwise

from litellm_obs_plugin.record import Cost, Outcome, Request

Sample = tuple[tuple[str, ...], float]

_STREAM = {True: "true", False: "false"}
_FAILED = frozenset({Outcome.ERROR, Outcome.REJECTED})
_TOKEN_TYPES = ("input", "cached_input", "cache_write", "output", "reasoning")


def nothing(_: Request) -> tuple[Sample, ...]:
    """For metrics that are not about requests."""
    return ()


def requests(r: Request) -> Iterator[Sample]:
    yield (r.model_group, r.operation, _STREAM[r.stream], r.outcome), 1.0


def requests_by_provider(r: Request) -> Iterator[Sample]:
    yield (r.provider, r.outcome), 1.0


def request_errors(r: Request) -> Iterator[Sample]:
    if r.failure is not None and r.outcome in _FAILED:
        yield (r.model_group, r.failure.error_type, r.failure.source), 1.0


def request_duration(r: Request) -> Iterator[Sample]:
    if r.duration_s is not None:
        yield (r.model_group, _STREAM[r.stream], r.outcome), r.duration_s


def request_attempts(r: Request) -> Iterator[Sample]:
    if r.outcome is not Outcome.REJECTED:
        yield (r.model_group,), float(len(r.attempts))


def attempts(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        d = a.deployment
        error_type = a.failure.error_type if a.failure is not None else ""
        yield (d.model_group, d.provider, d.model, a.outcome, error_type), 1.0


def retries(r: Request) -> Iterator[Sample]:
    for earlier, later in pairwise(r.attempts):
        if earlier.deployment.model_group == later.deployment.model_group:
            reason = earlier.failure.error_type if earlier.failure is not None else "other"
            yield (earlier.deployment.provider, reason), 1.0


def failovers(r: Request) -> Iterator[Sample]:
    for f in r.failovers:
        outcome = "recovered" if f.recovered else "failed"
        yield (f.source.model_group, f.target.model_group, f.reason, outcome), 1.0


def failover_delay(r: Request) -> Iterator[Sample]:
    for f in r.failovers:
        if f.delay_s is not None:
            yield (f.source.model_group,), f.delay_s


def failover_cost(r: Request) -> Iterator[Sample]:
    for f in r.failovers:
        if f.cost_added_usd is not None:
            sign = "added" if f.cost_added_usd >= 0 else "saved"
            groups = (f.source.model_group, f.target.model_group)
            yield (*groups, sign), abs(f.cost_added_usd)


def overhead(r: Request) -> Iterator[Sample]:
    if r.duration_s is None or not r.attempts:
        return
    queue_s, backoff_s = r.queue_s or 0.0, r.backoff_s
    if r.queue_s is not None:
        yield ("queue",), r.queue_s
    yield ("gateway",), max(r.duration_s - r.provider_s - backoff_s - queue_s, 0.0)
    if len(r.attempts) > 1:
        yield ("backoff",), backoff_s


def time_per_output_token(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.ttft is None or a.ttft.value_s is None or a.duration_s is None or a.tokens is None:
            continue
        if a.tokens.total_output > 1 and a.outcome is Outcome.SUCCESS:
            rest_s = max(a.duration_s - a.ttft.value_s, 0.0)
            yield (a.deployment.provider, a.deployment.model), rest_s / (a.tokens.total_output - 1)


def output_tokens_per_second(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.tokens is None or not a.duration_s or a.outcome is not Outcome.SUCCESS:
            continue
        if a.tokens.total_output:
            rate = a.tokens.total_output / a.duration_s
            yield (a.deployment.provider, a.deployment.model), rate


def provider_duration(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.duration_s is not None and a.outcome is Outcome.SUCCESS:
            yield (a.deployment.provider, a.deployment.model, _STREAM[r.stream]), a.duration_s


def time_to_first_token(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.ttft is not None and a.ttft.value_s is not None:
            yield (a.deployment.provider, a.deployment.model), a.ttft.value_s


def ttft_invalid(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.ttft is not None and a.ttft.invalid is not None:
            yield (a.deployment.provider, a.ttft.invalid), 1.0


def tokens(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.tokens is not None:
            d = a.deployment
            for kind in _TOKEN_TYPES:
                count = getattr(a.tokens, kind)
                if count:
                    yield (d.model_group, d.provider, d.model, kind), float(count)


def cost(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.cost is not None:
            d = a.deployment
            for component, usd in a.cost.components_usd.items():
                yield (d.model_group, d.provider, d.model, component), usd


def cost_mismatches(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        if a.cost is not None and not a.cost.adds_up:
            yield (a.deployment.provider,), 1.0


def _costs(r: Request) -> Iterator[Cost]:
    return (a.cost for a in r.attempts if a.cost is not None)


def cost_per_request(r: Request) -> Iterator[Sample]:
    known = [c.total_usd for c in _costs(r) if c.total_usd is not None]
    if known:
        yield (r.model_group,), sum(known)


def cost_status(r: Request) -> Iterator[Sample]:
    for c in _costs(r):
        yield (c.status,), 1.0


def unpriced(r: Request) -> Iterator[Sample]:
    for c in _costs(r):
        if c.unpriced_reason is not None:
            yield (r.model_group, c.unpriced_reason), 1.0


def cache(r: Request) -> Iterator[Sample]:
    if r.outcome is Outcome.CACHE_HIT:
        yield (r.model_group, "hit"), 1.0


def cache_savings(r: Request) -> Iterator[Sample]:
    if r.cache_saved_usd:
        yield (r.model_group, "response"), r.cache_saved_usd
