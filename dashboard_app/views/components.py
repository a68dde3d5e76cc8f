"""The gateway's own parts, and how they are."""

from collections.abc import Mapping
from typing import Any

from dashboard_app.views.block import text
from dashboard_app.views.tables import card

_WORDS = {
    "healthy": ("ok", "● Healthy"),
    "degraded": ("warn-text", "◐ Degraded"),
    "unhealthy": ("bad-text", "✕ Unhealthy"),
}
_APART = {"providers"}  # they have cards of their own


def render(health: Mapping[str, Any]) -> str:
    """HTML of every component with its verdict and reason."""
    parts = {
        name: part
        for name, part in (health.get("components") or {}).items()
        if name not in _APART and isinstance(part, Mapping) and "status" in part
    }
    if not parts:
        return ""
    rows = "".join(_row(name, part) for name, part in sorted(parts.items()))
    return card("Components", "of the gateway", f'<ul class="events">{rows}</ul>')


def _row(name: str, part: Mapping[str, Any]) -> str:
    tone, word = _WORDS.get(str(part["status"]), ("", f"○ {text(part['status'])}"))
    said = text(part.get("message") or "")
    return (
        f'<li><span class="wrap"><b>{text(name)}</b><br><span class="muted">{said}</span></span>'
        f'<span class="pill {tone}">{word}</span></li>'
    )
