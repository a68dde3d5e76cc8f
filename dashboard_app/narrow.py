"""Metrics narrowed to a model, provider or team, for a gateway that does not narrow them itself.

What the parts of the JSON do not tell is unknown; never the number of all traffic.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from dashboard_app.view import View

Json = Mapping[str, Any]
_PARTS = {"model": "byModel", "provider": "byProvider", "team": "byTeam"}
_UNKNOWN_LATENCY = dict.fromkeys(("p50", "p95", "p99", "average"))


def narrowed(metrics: Json, history: Json | None, view: View) -> tuple[Json, Json | None]:
    """*metrics* and *history* of what *view* lets through."""
    if not view.filters or metrics.get("filter"):
        return metrics, history
    models = [
        row for row in (metrics.get("models") or ()) if not view.team and view.lets_through(row)
    ]
    past = _history(history, view) if history else None
    requests, errors = _total(past, "requests"), _total(past, "errors")
    if models:
        requests = sum(row["requests"] for row in models)
        errors = sum(row["errors"] for row in models)
    providers = {
        name: state
        for name, state in (metrics.get("providers") or {}).items()
        if not view.team and (name == view.provider or any(m["provider"] == name for m in models))
    }
    only = models[0] if len(models) == 1 else None
    good = requests - errors if requests is not None and errors is not None else None
    cost = _total(past, "costUsd")
    if models:
        known = [row["costs"] for row in models if row.get("costs") is not None]
        cost = sum(known) if known else None
    return {
        **{name: metrics[name] for name in ("schemaVersion", "window") if name in metrics},
        "requests": {
            "total": requests,
            "success": good,
            "error": errors,
            "successRate": good / requests if good is not None and requests else None,
        },
        "latency": only["latency"] if only else _UNKNOWN_LATENCY,
        "costs": {"total": cost},
        "tokens": {
            "input": sum(row["tokens"]["input"] for row in models) if models else None,
            "output": sum(row["tokens"]["output"] for row in models) if models else None,
            "total": sum(row["tokens"]["total"] for row in models)
            if models
            else _total(past, "tokens"),
        },
        "providers": providers,
        "models": models,
        "circuits": [c for c in (metrics.get("circuits") or ()) if view.lets_through(c)],
    }, past


def _history(history: Json, view: View) -> Json | None:
    """The parts of the one filter; two at once are not told apart by the JSON."""
    base = {"stepSeconds": history["stepSeconds"], "t": history["t"]}
    if len(view.filters) != 1:
        return base
    ((name, value),) = view.filters.items()
    by = _PARTS[name]
    part = (history.get(by) or {}).get(value)
    if part is None:
        return base
    kept = {key: part.get(key) for key in ("requests", "errors", "p95", "costUsd", "tokens")}
    return {**base, **kept, by: {value: part}}


def _total(history: Json | None, name: str) -> float | None:
    values: Iterable[float | None] = (history or {}).get(name) or ()
    known = [v for v in values if v is not None]
    return sum(known) if known else None
