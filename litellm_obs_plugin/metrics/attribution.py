"""Who used what: requests, tokens and cost by team, key, tag and deployment.

Kept always, for the JSON; families of the page only for the labels that the operator allows, as
their values are not the gateway's to choose.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from litellm_obs_plugin.metrics.metric import Labels, Metric, Sample, counter
from litellm_obs_plugin.record import Request

NONE = "none"
ValuesOf = Callable[[Request], Iterable[str]]


def _team(r: Request) -> Iterable[str]:
    return (r.caller.team or NONE,)


def _key(r: Request) -> Iterable[str]:
    return (r.caller.key_alias or NONE,)


def _tags(r: Request) -> Iterable[str]:
    return dict.fromkeys(r.caller.tags)


DIMENSIONS: dict[str, ValuesOf] = {"team": _team, "key": _key, "tag": _tags}


def _requests(values_of: ValuesOf, r: Request) -> Iterator[Sample]:
    for value in values_of(r):
        yield (value, r.outcome), 1.0


def _tokens(values_of: ValuesOf, r: Request) -> Iterator[Sample]:
    tokens = r.total_tokens
    if tokens:
        for value in values_of(r):
            yield (value,), float(tokens)


def _cost(values_of: ValuesOf, r: Request) -> Iterator[Sample]:
    usd = r.cost_usd
    if usd:
        for value in values_of(r):
            yield (value,), usd


def _deployments(r: Request) -> Iterator[Sample]:
    for a in r.attempts:
        d = a.deployment
        yield (d.id or NONE, d.provider, d.model, a.outcome), 1.0


def _rows(dimension: str, values_of: ValuesOf) -> Iterator[Metric]:
    overlap = " A request with two tags counts under both." if dimension == "tag" else ""
    yield counter(
        f"requests_by_{dimension}_total",
        f"Finished requests by {dimension}.{overlap}",
        *(dimension, "outcome"),
        read=partial(_requests, values_of),
    )
    yield counter(
        f"tokens_by_{dimension}_total",
        f"Tokens by {dimension}.{overlap}",
        dimension,
        read=partial(_tokens, values_of),
    )
    yield counter(
        f"cost_usd_by_{dimension}_total",
        f"Cost in US dollars by {dimension}.{overlap}",
        dimension,
        read=partial(_cost, values_of),
        unit="usd",
    )


ATTRIBUTION: tuple[Metric, ...] = (
    *(row for dimension, values_of in DIMENSIONS.items() for row in _rows(dimension, values_of)),
    counter(
        "attempts_by_deployment_total",
        "Calls by deployment.",
        *("deployment", "provider", "model", "outcome"),
        read=_deployments,
    ),
)


def is_allowed(metric: Metric, labels: Labels, allowed: Iterable[str]) -> bool:
    """Whether the operator lets this series onto the page.

    *allowed* holds `team`, `key`, `deployment`, `tag` and `tag:<name>`; the last lets tags through
    that are `<name>` or begin with `<name>:` or `<name>=`.
    """
    if metric not in ATTRIBUTION:
        return True
    dimension, value = metric.labels[0], labels[0]
    return any(
        one == dimension or (dimension == "tag" and _is_tag_of(one, value)) for one in allowed
    )


def _is_tag_of(allowed: str, tag: str) -> bool:
    kind, _, name = allowed.partition(":")
    return (
        kind == "tag" and bool(name) and (tag == name or tag.startswith((f"{name}:", f"{name}=")))
    )
