"""How each metric is read off a finished request: (label values, value) pairs."""

from collections.abc import Iterator

from litellm_obs_plugin.record import Cost, Outcome, Request

Sample = tuple[tuple[str, ...], float]

_STREAM = {True: "true", False: "false"}
_FAILED = frozenset({Outcome.ERROR, Outcome.REJECTED})
_TOKEN_TYPES = ("input", "cached_input", "cache_write", "output", "reasoning")


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
