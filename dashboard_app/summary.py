"""The numbers at the top of the page, each with its change and its line. Pure."""

from dataclasses import dataclass

from dashboard_app import units
from dashboard_app.answer import Json, Values, dig, sum_of, values_of

_LOW_SUCCESS, _BAD_SUCCESS = 0.99, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number. *tone* is ok, warn, bad or empty."""

    label: str
    value: str
    detail: str
    tone: str = ""
    change: str = ""
    change_tone: str = ""
    spark: Values = ()


def tiles(metrics: Json, history: Json | None) -> list[Tile]:
    """Status, requests, success, cost, p95 and tokens."""
    past = history or {}
    requests, success = metrics["requests"], metrics["requests"].get("successRate")
    errors_tone = "" if success is None or success >= _LOW_SUCCESS else "warn"
    if success is not None and success < _BAD_SUCCESS:
        errors_tone = "bad"
    per_hour = dig(metrics, "rates", "costPerHour")
    latency, tokens = metrics["latency"], metrics["tokens"]
    return [
        status_tile(metrics),
        Tile(
            label="Requests",
            value=units.count(requests["total"]),
            detail=f"{units.rate(dig(metrics, 'rates', 'requestsPerSecond'))} on average",
            spark=values_of(past, "requests"),
            **_change(metrics, "requests", better=0),
        ),
        Tile(
            label="Success rate",
            value=units.percent(success),
            detail=units.counted(requests["error"], "error"),
            tone=errors_tone,
            spark=_success(past),
            **_change(metrics, "successRate", better=1),
        ),
        Tile(
            label="Cost",
            value=units.money(metrics["costs"]["total"]),
            detail=f"{units.money(per_hour)} per hour",
            spark=values_of(past, "costUsd"),
            **_change(metrics, "costUsd", better=-1),
        ),
        Tile(
            label="Latency p95",
            value=units.duration(latency["p95"]),
            detail=f"p50 {units.duration(latency['p50'])} · p99 {units.duration(latency['p99'])}",
            spark=values_of(past, "p95"),
            **_change(metrics, "p95", better=-1),
        ),
        Tile(
            label="Tokens",
            value=units.count(tokens["total"]),
            detail=f"{units.count(tokens['input'])} in · {units.count(tokens['output'])} out",
            spark=values_of(past, "tokens")
            or sum_of(values_of(past, "tokensIn"), values_of(past, "tokensOut")),
            **_change(metrics, "tokens", better=0),
        ),
    ]


def status_tile(metrics: Json) -> Tile:
    """The worst of what providers and circuits say."""
    providers = metrics.get("providers") or {}
    states = [state["status"] for state in providers.values()]
    opened = _opened(metrics)
    healthy = states.count("healthy")
    detail = f"{healthy} of {len(states)} providers healthy" if states else "No provider seen yet"
    if opened:
        detail = f"Circuit open: {', '.join(opened)} · {detail}"
    if states and healthy == len(states) and not opened:
        return Tile(label="Status", value="● Healthy", detail=detail, tone="ok")
    if states and all(state == "unhealthy" for state in states):
        return Tile(label="Status", value="✕ Down", detail=detail, tone="bad")
    if not states:
        return Tile(label="Status", value="○ Waiting", detail=detail)
    return Tile(label="Status", value="◐ Degraded", detail=detail, tone="warn")


def _opened(metrics: Json) -> list[str]:
    """Providers with an open circuit, each since when the first of its circuits is open."""
    since: dict[str, str] = {}
    for circuit in metrics.get("circuits") or ():
        if circuit["state"] == "open":
            name, at = circuit["provider"], str(circuit.get("since") or "")
            since[name] = min(filter(None, (since.get(name), at)), default="")
    return [f"{name} since {at[11:16]}" if at else name for name, at in sorted(since.items())]


def _change(metrics: Json, name: str, *, better: int) -> dict[str, str]:
    """*better* says which direction is good news: 1 up, -1 down, 0 neither."""
    ratio = dig(metrics, "change", name, "ratio")
    if ratio is None or abs(ratio) < 0.0005:
        return {}
    size = f"{abs(ratio) * 100:.2f} pp" if name == "successRate" else f"{abs(ratio) * 100:.1f}%"
    tone = "" if better == 0 else ("ok" if ratio * better > 0 else "bad-text")
    return {"change": f"{'▲' if ratio > 0 else '▼'} {size}", "change_tone": tone}


def _success(history: Json) -> Values:
    both = zip(values_of(history, "requests"), values_of(history, "errors"), strict=False)
    return tuple(1 - e / r if r and e is not None else None for r, e in both)
