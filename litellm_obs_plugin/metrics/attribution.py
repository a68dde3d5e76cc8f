"""Who used what: requests, tokens and cost by team, key, tag and deployment.

Kept always, for the JSON; families of the page only for the labels that the operator allows, as
their values are not the gateway's to choose.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from litellm_obs_plugin.metrics.aspect import Aspect
from litellm_obs_plugin.metrics.metric import Labels, Metric, counter
from litellm_obs_plugin.metrics.reading import Samples
from litellm_obs_plugin.record import UNKNOWN, Request

ValuesOf = Callable[[Request], Collection[str]]


def _team(r: Request) -> Collection[str]:
    return (r.caller.team,) if r.caller.team else ()


def _key(r: Request) -> Collection[str]:
    return (r.caller.key_alias,) if r.caller.key_alias else ()


def _tags(r: Request) -> Collection[str]:
    return dict.fromkeys(r.caller.tags) if r.caller.tags else ()


DIMENSIONS: dict[str, ValuesOf] = {"team": _team, "key": _key, "tag": _tags}


def _requests(values_of: ValuesOf, r: Request) -> Samples:
    return [((value, r.outcome), 1.0) for value in values_of(r)]


def _tokens(values_of: ValuesOf, r: Request) -> Samples:
    values = values_of(r)
    tokens = r.total_tokens if values else None
    return [((value,), float(tokens)) for value in values] if tokens else ()


def _cost(values_of: ValuesOf, r: Request) -> Samples:
    values = values_of(r)
    usd = r.cost_usd if values else None
    return [((value,), usd) for value in values] if usd else ()


def _deployments(r: Request) -> Samples:
    return [
        ((a.deployment.id or UNKNOWN, a.deployment.provider, a.deployment.model, a.outcome), 1.0)
        for a in r.attempts
    ]


def _rows(dimension: str, values_of: ValuesOf) -> Iterator[Metric]:
    aspect = Aspect[dimension.upper()]
    overlap = " A request with two tags counts under both." if dimension == "tag" else ""
    yield counter(
        f"requests_by_{dimension}_total",
        f"Finished requests by {dimension}.{overlap}",
        *(dimension, "outcome"),
        read=partial(_requests, values_of),
        by_variety=True,
        of=aspect,
    )
    yield counter(
        f"tokens_by_{dimension}_total",
        f"Tokens by {dimension}.{overlap}",
        dimension,
        read=partial(_tokens, values_of),
        of=aspect,
    )
    yield counter(
        f"cost_usd_by_{dimension}_total",
        f"Cost in US dollars by {dimension}.{overlap}",
        dimension,
        read=partial(_cost, values_of),
        of=aspect,
        unit="usd",
    )


ATTRIBUTION: tuple[Metric, ...] = (
    *(row for dimension, values_of in DIMENSIONS.items() for row in _rows(dimension, values_of)),
    counter(
        "attempts_by_deployment_total",
        "Calls by deployment.",
        *("deployment", "provider", "model", "outcome"),
        read=_deployments,
        by_variety=True,
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
