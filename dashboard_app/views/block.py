"""A piece of HTML on the page that changes only when its content does."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import panel as pn

from dashboard_app.theme import CSS


def block(html: str = "", **options: Any) -> Any:
    """A pane that takes part in the themes."""
    settings = {"sizing_mode": "stretch_width", "margin": 0, **options}
    return pn.pane.HTML(html, stylesheets=[CSS], **settings)


def show(pane: Any, html: str) -> None:
    """Set *html*; nothing is sent when it is there already."""
    if pane.object != html:
        pane.object = html


def text(value: object) -> str:
    """*value* for HTML: names and messages come from callers and providers."""
    return escape(str(value), quote=True)


def sparkline(values: Iterable[float | None], *, colour: str) -> str:
    """A small line for the foot of a card; decoration, so hidden from screen readers.

    It breaks where values are not known.
    """
    line = list(values)
    known = [(i, v) for i, v in enumerate(line) if v is not None]
    if len(known) < 2:
        return ""
    first, last = known[0][0], known[-1][0]
    low, high = min(v for _, v in known), max(v for _, v in known)
    room = (high - low) or 1

    def point(at: int, value: float) -> tuple[float, float]:
        return (at - first) / (last - first) * 100, 28 - (value - low) / room * 24

    return (
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">'
        + "".join(_stroke([point(*one) for one in run], colour) for run in _runs(known))
        + "</svg>"
    )


def _runs(known: list[tuple[int, float]]) -> Iterator[list[tuple[int, float]]]:
    """Neighbours that follow one another without a gap."""
    run: list[tuple[int, float]] = []
    for one in known:
        if run and one[0] != run[-1][0] + 1:
            yield run
            run = []
        run.append(one)
    yield run


def _stroke(run: list[tuple[float, float]], colour: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
    return (
        f'<polygon points="{run[0][0]:.1f},30 {points} {run[-1][0]:.1f},30" fill="{colour}" '
        f'opacity=".12"/><polyline points="{points}" fill="none" stroke="{colour}" '
        'stroke-width="1.5" vector-effect="non-scaling-stroke"/>'
    )
