"""What a request's attempts say of failovers: from where to where, why, and at what price."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from litellm_obs_plugin.record import (
    OTHER,
    Attempt,
    Deployment,
    ErrorType,
    Failover,
    Outcome,
    Request,
    Tokens,
)

# US dollars that these tokens would have cost at a deployment; None when it has no known price.
PriceTokens = Callable[[Deployment, Tokens], float | None]
FirstChoice = Callable[[str], Deployment | None]


def read_failovers(
    request: Request, *, first_choice: FirstChoice, price_tokens: PriceTokens
) -> tuple[Failover, ...]:
    """One failover for every change of model group among the attempts of *request*.

    When the group that was asked for was not even tried (all of it rests), *first_choice* of it
    stands in.
    """
    attempts = request.attempts
    if len(attempts) == 1 and attempts[0].deployment.model_group == request.model_group:
        return ()  # nearly every request
    hops = list(_hops(attempts))
    skipped = _skipped_group(request, first_choice)
    if skipped is not None:
        hops.insert(0, (skipped, 0, ErrorType.OVERLOADED))
    origin = skipped or (attempts[0].deployment if attempts else None)
    return tuple(
        _failover(request, source, at, reason, origin or source, price_tokens)
        for source, at, reason in hops
    )


def _hops(attempts: tuple[Attempt, ...]) -> Iterator[tuple[Deployment, int, ErrorType]]:
    """(deployment that failed, index of the next attempt, why) for every change of group."""
    for at, (earlier, later) in enumerate(pairwise(attempts), start=1):
        if earlier.deployment.model_group != later.deployment.model_group:
            failure = earlier.failure
            reason = failure.error_type if failure is not None else ErrorType.OTHER
            yield earlier.deployment, at, reason


def _skipped_group(request: Request, first_choice: FirstChoice) -> Deployment | None:
    if not request.attempts or request.model_group == OTHER:
        return None
    wanted = first_choice(request.model_group)
    tried = request.attempts[0].deployment.model_group
    return wanted if wanted is not None and wanted.model_group != tried else None


def _failover(
    request: Request,
    source: Deployment,
    at: int,
    reason: ErrorType,
    origin: Deployment,
    price_tokens: PriceTokens,
) -> Failover:
    attempts = request.attempts
    group = attempts[at].deployment.model_group
    last = attempts[-1]
    recovered = last.deployment.model_group == group and last.outcome is not Outcome.ERROR
    return Failover(
        source=source,
        target=attempts[at].deployment if not recovered else last.deployment,
        reason=reason,
        recovered=recovered,
        delay_s=max(last.started_at - attempts[0].started_at, 0.0) if recovered else None,
        cost_added_usd=_cost_added_usd(last, origin, price_tokens) if recovered else None,
    )


def _cost_added_usd(answer: Attempt, origin: Deployment, price_tokens: PriceTokens) -> float | None:
    if answer.tokens is None or answer.cost is None or answer.cost.total_usd is None:
        return None
    instead_usd = price_tokens(origin, answer.tokens)
    return answer.cost.total_usd - instead_usd if instead_usd is not None else None
