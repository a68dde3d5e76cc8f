"""A piece of HTML on the page that changes only when its content does."""

from collections.abc import Iterable
from html import escape
from typing import Any

import panel as pn

from dashboard_app.theme import CSS


def block(html: str = "", **options: Any) -> Any:
    """A pane that takes part in the themes."""
    settings = {"sizing_mode": "stretch_width", "margin": 0, "css_classes": ["dark"], **options}
    return pn.pane.HTML(html, stylesheets=[CSS], **settings)


def show(pane: Any, html: str) -> None:
    """Set *html*; nothing is sent when it is there already."""
    if pane.object != html:
        pane.object = html


def text(value: object) -> str:
    """*value* for HTML: names and messages come from callers and providers."""
    return escape(str(value), quote=True)


def sparkline(values: Iterable[float | None], *, colour: str) -> str:
    """A small line for the foot of a card; decoration, so hidden from screen readers."""
    known = [(i, v) for i, v in enumerate(values) if v is not None]
    if len(known) < 2:
        return ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    width, room = known[-1][0] - known[0][0], (high - low) or 1
    points = " ".join(
        f"{(i - known[0][0]) / width * 100:.1f},{28 - (v - low) / room * 24:.1f}" for i, v in known
    )
    return (
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        f'<polygon points="0,30 {points} 100,30" fill="{colour}" opacity=".12"/>'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
