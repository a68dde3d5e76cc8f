"""What nearly all requests have in common with many others: everything but their figures.

Most rows of the catalogue say the same of all requests of one variety, so they are read once.
"""

from litellm_obs_plugin.record import Request

Variety = tuple[object, ...]


def variety_of(r: Request) -> Variety | None:
    """The variety of a request that one attempt answered; None of any other, which are few."""
    if len(r.attempts) != 1 or r.failure is not None or r.failovers:
        return None
    (a,) = r.attempts
    if a.failure is not None:
        return None
    at, cost, ttft, caller = a.deployment, a.cost, a.ttft, r.caller
    return (
        *(r.model_group, r.operation, r.stream, r.outcome, not r.cache_saved_usd),
        *(at.id, at.model_group, at.provider, at.model, a.outcome),
        None if ttft is None else ttft.invalid,
        None if cost is None else (cost.status, cost.unpriced_reason, cost.adds_up),
        *(caller.team, caller.key_alias, caller.tags),
    )
