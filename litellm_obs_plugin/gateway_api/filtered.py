"""A narrowed snapshot -> :class:`GatewayMetrics` of that part of the traffic. Pure.

What cannot be told of the part is None, never the number of the whole.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from litellm_obs_plugin.gateway_api import models
from litellm_obs_plugin.gateway_api.build import (
    attempt_success_rate,
    describe_window,
    latency_of,
    make_rates,
    model_rows,
    sum_tokens,
    to_datetime,
    whole,
)
from litellm_obs_plugin.gateway_api.circuits import list_circuits
from litellm_obs_plugin.gateway_api.filters import Filters
from litellm_obs_plugin.metrics.attribution import DIMENSIONS
from litellm_obs_plugin.metrics.sketch import RELATIVE_ERROR
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Outcome

_NOT_TOLD = latency_of(None)
_SUCCESS = (Outcome.SUCCESS, Outcome.CACHE_HIT)
_ERROR = (Outcome.ERROR, Outcome.REJECTED)


def build_filtered(
    snapshot: Snapshot,
    filters: Filters,
    *,
    asked_window_s: float,
    circuit_changes: Sequence[Mapping[str, Any]],
    providers: Mapping[str, models.ProviderState],
    covered_s: float | None = None,
) -> models.GatewayMetrics:
    """As :func:`build.build_metrics`, of the part that *filters* ask for."""
    part = filters.narrow(snapshot)
    window = describe_window(snapshot, asked_window_s, covered_s)
    told = _attempts(part) if filters.side == "attempts" else _attributed(part, filters)
    requests, costs, tokens = told["requests"], told["costs"], told["tokens"]
    return models.GatewayMetrics(
        providers=_providers(part, filters, providers),
        generated_at=to_datetime(snapshot.taken_at),
        window=window,
        scope="instance",
        cost_status=models.CostStatus(priced=None, estimated=None, unpriced=None),
        cache_savings=None,
        failover=None,
        circuits=_circuits(snapshot, filters, circuit_changes),
        overhead=models.Overhead(queue=_NOT_TOLD, gateway=_NOT_TOLD, backoff=_NOT_TOLD),
        rates=make_rates(requests.total, tokens.total, costs.total, window.seconds),
        filter=describe(filters),
        **told,
    )


def describe(filters: Filters) -> models.Filter:
    """What was asked for, and what is counted of it."""
    side = filters.side
    counts = {"attempts": "attempts", "nothing": None}.get(side, "requests")
    return models.Filter.model_validate({"counts": counts, **_values(filters)})


def _values(filters: Filters) -> dict[str, tuple[str, ...]]:
    given = filters.given()
    return {name: given.get(name, ()) for name in ("model", "provider", *DIMENSIONS)}


def _attempts(part: Snapshot) -> dict[str, Any]:
    by_outcome = whole(part.by("attempts_total", "outcome"))
    success, error = (by_outcome.get(o, 0) for o in (Outcome.SUCCESS, Outcome.ERROR))
    ended = {"success": success, "error": error}
    duration = part.sketch("provider_duration_seconds")
    tokens = whole(part.by("tokens_total", "type"))
    costs = part.by("cost_usd_total", "component")
    return {
        "requests": models.Requests(
            total=success + error,
            by_model=_ended_by(part, "model_group"),
            by_provider=_ended_by(part, "provider"),
            success_rate=attempt_success_rate(part),
            **ended,
        ),
        "latency": latency_of(duration),
        "costs": models.Costs(
            total=math.fsum(costs.values()),
            by_model=part.by("cost_usd_total", "model"),
            by_provider=part.by("cost_usd_total", "provider"),
            by_team=None,
            by_key=None,
            by_tag=None,
        ),
        "tokens": sum_tokens(tokens),
        "accuracy": _accuracy(duration.count if duration is not None else 0),
        "models": model_rows(part),
        "errors": models.Errors(
            by_type=whole(part.by("attempts_total", "error_type", outcome=Outcome.ERROR)),
            by_source=None,
        ),
        "tokens_by_type": tokens,
        "costs_by_component": costs,
        "ttft": latency_of(part.sketch("time_to_first_token_seconds")),
    }


def _ended_by(part: Snapshot, label: str) -> dict[str, int]:
    """Attempts that make up the total."""
    sums: dict[str, float] = {}
    for outcome in (Outcome.SUCCESS, Outcome.ERROR):
        for value, count in part.by("attempts_total", label, outcome=outcome).items():
            sums[value] = sums.get(value, 0.0) + count
    return whole(dict(sorted(sums.items(), key=lambda item: (-item[1], item[0]))))


def _attributed(part: Snapshot, filters: Filters) -> dict[str, Any]:
    side, told = filters.side, filters.adds_up
    by_outcome = whole(part.by(f"requests_by_{side}_total", "outcome")) if told else {}
    success, error = (sum(by_outcome.get(o, 0) for o in group) for group in (_SUCCESS, _ERROR))
    shares: dict[str, dict[str, float] | None] = dict.fromkeys(f"by_{name}" for name in DIMENSIONS)
    if side != "nothing":
        shares[f"by_{side}"] = part.by(f"cost_usd_by_{side}_total", side)
    return {
        "requests": models.Requests(
            total=success + error if told else None,
            success=success if told else None,
            error=error if told else None,
            by_model=None,
            by_provider=None,
            success_rate=None,
        ),
        "latency": _NOT_TOLD,
        "costs": models.Costs(
            total=part.total(f"cost_usd_by_{side}_total") if told else None,
            by_model=None,
            by_provider=None,
            **shares,
        ),
        "tokens": models.Tokens(
            input=None,
            output=None,
            total=round(part.total(f"tokens_by_{side}_total")) if told else None,
        ),
        "accuracy": _accuracy(0),
        "models": None,
        "errors": models.Errors(by_type=None, by_source=None),
        "tokens_by_type": None,
        "costs_by_component": None,
        "ttft": _NOT_TOLD,
    }


def _accuracy(samples: int) -> models.Accuracy:
    return models.Accuracy(relative_error=RELATIVE_ERROR, samples=samples)


def _providers(
    part: Snapshot, filters: Filters, verdicts: Mapping[str, models.ProviderState]
) -> dict[str, models.ProviderState]:
    """The verdicts on those that the part may have used, with the latency of its own calls."""
    called = set(part.by("attempts_total", "provider"))
    shown = {}
    for provider, verdict in verdicts.items():
        if filters.provider and provider not in filters.provider:
            continue
        if filters.model and provider not in called:
            continue
        latency = latency_of(part.sketch("provider_duration_seconds", provider=provider)).p50
        if filters.side == "attempts" and latency is None and not filters.model:
            latency = verdict.latency
        shown[provider] = verdict.model_copy(update={"latency": latency})
    return shown


def _circuits(
    snapshot: Snapshot, filters: Filters, changes: Sequence[Mapping[str, Any]]
) -> list[models.Circuit] | None:
    """Circuits know their provider, and nothing else that may be asked for."""
    if filters.given().keys() != {"provider"}:
        return None
    every = list_circuits(snapshot, changes)
    return [one for one in every if one.provider in filters.provider]
