"""A window of history in steps, and how it compares with the one before. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from litellm_obs_plugin.gateway_api import models
from litellm_obs_plugin.gateway_api.filters import Filters
from litellm_obs_plugin.history.frame import Frame, Steps, plain
from litellm_obs_plugin.record import Outcome

METRICS = frozenset(
    {
        *("requests_total", "request_errors_total", "request_duration_seconds"),
        *("requests_by_provider_total", "attempts_total", "provider_duration_seconds"),
        *("time_to_first_token_seconds", "output_tokens_per_second", "overhead_seconds"),
        *("cost_usd_total", "tokens_total", "failovers_total", "retries_total"),
        *("requests_by_team_total", "tokens_by_team_total", "cost_usd_by_team_total"),
        *("requests_by_tag_total", "tokens_by_tag_total", "cost_usd_by_tag_total"),
    }
)
_MAPS = frozenset(
    {
        *("errors_by_type", "tokens_by_type"),
        *("by_model", "by_provider", "by_team", "by_tag"),
    }
)
_MOST = 20
_REST = "other"
_MS = 1000.0
_INPUT = ("input", "cached_input", "cache_write")
_OUTPUT = ("output", "reasoning")
_COUNTED = (Outcome.SUCCESS, Outcome.CACHE_HIT, Outcome.ERROR, Outcome.REJECTED)
_FAILED = (Outcome.ERROR, Outcome.REJECTED)


def build_history(frame: Frame) -> models.History:
    """Every line that a chart may show."""
    answered = {"outcome": str(Outcome.SUCCESS)}
    p50, p95, p99 = frame.quantiles("request_duration_seconds", (0.5, 0.95, 0.99), **answered)
    ttft50, ttft95 = frame.quantiles("time_to_first_token_seconds", (0.5, 0.95))
    (speed,) = frame.quantiles("output_tokens_per_second", (0.5,))
    over50, over95 = frame.quantiles("overhead_seconds", (0.5, 0.95), phase="gateway")
    by_type = frame.by("tokens_total", "type")
    outcomes = frame.by("requests_total", "outcome")
    return models.History(
        step_seconds=frame.step_s,
        t=[datetime.fromtimestamp(t, tz=UTC) for t in frame.times.tolist()],
        requests=plain(_sum(frame, outcomes, _COUNTED)),
        errors=plain(_sum(frame, outcomes, _FAILED)),
        errors_by_type=_all(frame.by("request_errors_total", "error_type")),
        p50=plain(p50, _MS),
        p95=plain(p95, _MS),
        p99=plain(p99, _MS),
        ttft_p50=plain(ttft50, _MS),
        ttft_p95=plain(ttft95, _MS),
        tokens_per_second_p50=plain(speed),
        overhead_p50=plain(over50, _MS),
        overhead_p95=plain(over95, _MS),
        cost_usd=plain(frame.total("cost_usd_total")),
        tokens_in=plain(_sum(frame, by_type, _INPUT)),
        tokens_out=plain(_sum(frame, by_type, _OUTPUT)),
        tokens_by_type=_all(by_type),
        failovers=plain(frame.total("failovers_total")),
        retries=plain(frame.total("retries_total")),
        by_model=_attempts_by(frame, "model"),
        by_provider=_attempts_by(frame, "provider"),
        by_team=_attributed(frame, "team"),
        by_tag=_attributed(frame, "tag"),
    )


def build_filtered_history(frame: Frame, filters: Filters) -> models.History:
    """The lines of a part of the traffic; *frame* holds nothing else. What is not told is None."""
    nothing = plain(np.full(len(frame.times), np.nan))
    untold: dict[str, Any] = {
        name: None if name in _MAPS else nothing for name in models.History.model_fields
    }
    side = filters.side
    if side == "attempts":
        told = _attempts_lines(frame, filters)
    elif filters.adds_up:
        told = _attributed_lines(frame, side)
    else:
        told = {f"by_{side}": _attributed(frame, side)} if side != "nothing" else {}
    times = [datetime.fromtimestamp(t, tz=UTC) for t in frame.times.tolist()]
    return models.History(**{**untold, **told, "step_seconds": frame.step_s, "t": times})


def _attempts_lines(frame: Frame, filters: Filters) -> dict[str, Any]:
    p50, p95, p99 = frame.quantiles("provider_duration_seconds", (0.5, 0.95, 0.99))
    ttft50, ttft95 = frame.quantiles("time_to_first_token_seconds", (0.5, 0.95))
    (speed,) = frame.quantiles("output_tokens_per_second", (0.5,))
    by_type = frame.by("tokens_total", "type")
    outcomes = frame.by("attempts_total", "outcome")
    errors = frame.by("attempts_total", "error_type", outcome=str(Outcome.ERROR))
    told = {
        "requests": plain(_sum(frame, outcomes, (Outcome.SUCCESS, Outcome.ERROR))),
        "errors": plain(_sum(frame, outcomes, (Outcome.ERROR,))),
        "errors_by_type": _all(errors),
        "p50": plain(p50, _MS),
        "p95": plain(p95, _MS),
        "p99": plain(p99, _MS),
        "ttft_p50": plain(ttft50, _MS),
        "ttft_p95": plain(ttft95, _MS),
        "tokens_per_second_p50": plain(speed),
        "cost_usd": plain(frame.total("cost_usd_total")),
        "tokens_in": plain(_sum(frame, by_type, _INPUT)),
        "tokens_out": plain(_sum(frame, by_type, _OUTPUT)),
        "tokens_by_type": _all(by_type),
        "by_model": _attempts_by(frame, "model"),
        "by_provider": _attempts_by(frame, "provider"),
    }
    if not filters.model:
        told["retries"] = plain(frame.total("retries_total"))
    return told


def _attributed_lines(frame: Frame, dimension: str) -> dict[str, Any]:
    outcomes = frame.by(f"requests_by_{dimension}_total", "outcome")
    return {
        "requests": plain(_sum(frame, outcomes, _COUNTED)),
        "errors": plain(_sum(frame, outcomes, _FAILED)),
        "cost_usd": plain(frame.total(f"cost_usd_by_{dimension}_total")),
        **({} if dimension == "key" else {f"by_{dimension}": _attributed(frame, dimension)}),
    }


def build_changes(now: models.GatewayMetrics, before: models.GatewayMetrics) -> models.Changes:
    """*now* against *before*."""
    rate, old_rate = now.requests.success_rate, before.requests.success_rate
    difference = rate - old_rate if rate is not None and old_rate is not None else None
    return models.Changes(
        requests=_change(now.requests.total, before.requests.total),
        success_rate=models.Change(previous=old_rate, ratio=difference),
        p95=_change(now.latency.p95, before.latency.p95),
        cost_usd=_change(now.costs.total, before.costs.total),
        tokens=_change(now.tokens.total, before.tokens.total),
    )


def _change(now: float | None, before: float | None) -> models.Change:
    known = now is not None and before is not None and before > 0
    ratio = (now - before) / before if known else None  # type: ignore[operator]
    return models.Change(previous=before, ratio=ratio)


def _all(lines: Mapping[str, Steps]) -> dict[str, models.Points]:
    return {name: plain(line) for name, line in lines.items()}


def _sum(frame: Frame, lines: Mapping[str, Steps], names: tuple[str, ...]) -> Steps:
    nothing = np.where(frame.watched, 0.0, np.nan)
    return sum((lines[name] for name in names if name in lines), start=nothing)


def _attempts_by(frame: Frame, label: str) -> dict[str, models.Part]:
    """Of those that did the work: attempts, their time, tokens and money."""
    every = frame.by("attempts_total", label)
    failed = frame.by("attempts_total", label, outcome=str(Outcome.ERROR))
    p95 = frame.quantiles_by("provider_duration_seconds", label, 0.95)
    return _parts(
        frame,
        requests=every,
        errors=failed,
        p95=p95,
        cost_usd=frame.by("cost_usd_total", label),
        tokens=frame.by("tokens_total", label),
    )


def _attributed(frame: Frame, dimension: str) -> dict[str, models.Part]:
    return _parts(
        frame,
        requests=frame.by(f"requests_by_{dimension}_total", dimension),
        cost_usd=frame.by(f"cost_usd_by_{dimension}_total", dimension),
        tokens=frame.by(f"tokens_by_{dimension}_total", dimension),
    )


def _parts(
    frame: Frame,
    *,
    requests: Mapping[str, Steps],
    cost_usd: Mapping[str, Steps],
    tokens: Mapping[str, Steps],
    errors: Mapping[str, Steps] | None = None,
    p95: Mapping[str, Steps] | None = None,
) -> dict[str, models.Part]:
    names = [name for name in requests if name != _REST]
    shown, rest = names[:_MOST], [*names[_MOST:], *([_REST] if _REST in requests else [])]
    nothing = np.full(len(frame.times), np.nan)

    def line(lines: Mapping[str, Steps], group: list[str]) -> models.Points:
        return plain(_sum(frame, lines, tuple(group)))

    parts = {}
    for name, group in [(one, [one]) for one in shown] + ([(_REST, rest)] if rest else []):
        quantile = p95.get(name, nothing) if p95 is not None and len(group) == 1 else nothing
        parts[name] = models.Part(
            requests=line(requests, group),
            errors=line(errors, group) if errors is not None else plain(nothing),
            p95=plain(quantile, _MS),
            cost_usd=line(cost_usd, group),
            tokens=line(tokens, group),
        )
    return parts
