"""A card for every provider, those in trouble first."""

from collections.abc import Mapping
from typing import Any

from dashboard_app import units
from dashboard_app.answer import dig
from dashboard_app.views.block import sparkline, text

_STATES = {
    "unhealthy": ("bad", "bad-text", "✕ Unhealthy"),
    "degraded": ("warn", "warn-text", "◐ Degraded"),
    "healthy": ("", "ok", "● Healthy"),
}
Json = Mapping[str, Any]


def render(metrics: Json, history: Json | None, health: Json) -> str:
    """HTML of all cards."""
    order = list(_STATES)
    states = sorted(
        (metrics.get("providers") or {}).items(), key=lambda p: (order.index(p[1]["status"]), p[0])
    )
    cards = "".join(_card(name, state, metrics, history, health) for name, state in states)
    return f'<div class="providers">{cards}</div>' if cards else ""


def _card(name: str, state: Json, metrics: Json, history: Json | None, health: Json) -> str:
    border, tone, word = _STATES[state["status"]]
    rows = [row for row in (metrics.get("models") or ()) if row["provider"] == name]
    attempts = sum(row["requests"] for row in rows)
    errors = sum(row["errors"] for row in rows)
    reason = dig(health, "components", "providers", name, "message")
    if state["status"] == "healthy" or not reason:
        reason = units.counted(attempts, "attempt")
    success = units.percent(1 - errors / attempts if attempts else None)
    spark = dig(history, "byProvider", name, "requests") or ()
    colour = f"var(--{border or 'ok'})"
    return (
        f'<div class="card {border}" role="group" aria-label="Provider {text(name)}" '
        f'style="padding-bottom:40px"><div class="top"><h3>{text(name)}</h3>'
        f'<span class="pill {tone}">{word}</span></div>'
        f'<div class="top" style="margin-top:8px"><span><span class="label">Success</span> '
        f"<b>{success}</b></span>"
        f'<span><span class="label">p50</span> <b>{units.duration(state.get("latency"))}</b></span>'
        f'</div><div class="label wrap reason" title="{text(reason)}" style="margin-top:4px">'
        f"{text(reason)}</div>"
        f"{sparkline(spark, colour=colour)}</div>"
    )
