"""Sentences above the numbers: what they are of, what to do, what is wrong."""

import time
from collections.abc import Mapping
from typing import Any

from dashboard_app import units
from dashboard_app.answer import dig
from dashboard_app.view import View
from dashboard_app.views.block import text

Json = Mapping[str, Any]


def waiting(error: str | None) -> str:
    """Before the first reading."""
    words = "Waiting for the gateway" if error else "Reading the gateway"
    return f'<div class="card empty" role="status">{words} …</div>'


def note(metrics: Json, view: View) -> str:
    """What the numbers are of; empty when that needs no words."""
    window = metrics.get("window", {})
    if view.filters:
        return _filtered(metrics, view)
    if not dig(metrics, "requests", "total"):
        return (
            '<div class="card empty" role="status">No request in this range. Send one through the '
            "proxy (<b>POST /v1/chat/completions</b>) and it appears here within seconds.</div>"
        )
    if window.get("basis") == "since_start":
        start = str(window.get("start", ""))[:16].replace("T", " ")
        return (
            f'<p class="muted" role="note">Numbers and tables are totals since {text(start)} UTC: '
            "the gateway keeps no history. Charts show what this dashboard has seen.</p>"
        )
    return ""


def _filtered(metrics: Json, view: View) -> str:
    names = " and ".join(f"{name} <b>{text(value)}</b>" for name, value in view.filters.items())
    more = "" if metrics.get("filter") else " Counts are of attempts; — is what is not told for it."
    return (
        f'<p class="muted" role="note">Only {names}.{more} '
        '<button type="button" class="plain" data-clear>Show all</button></p>'
    )


def zoomed(bounds: tuple[float, float]) -> str:
    """Which part of the range the charts show."""
    start, end = (time.strftime("%d %b %H:%M:%S", time.gmtime(ms / 1000)) for ms in bounds)
    return (
        f'<p class="muted" role="note">Charts from {start} to {end} UTC '
        '<button type="button" class="plain" data-set="zoom" data-value="">Whole range</button></p>'
    )


def stale(error: str, *, age_s: float | None) -> str:
    """Why the numbers are old."""
    last = "No reading yet"
    if age_s is not None:
        last = f"Showing the last good reading, {units.age(age_s)} old"
    return f'<div class="banner" role="alert">✕ {text(error)}. {last}; trying again.</div>'


def status(*, live: bool, error: str | None, clock: str) -> str:
    """One line in the head of the page."""
    if error is not None:
        return f'<span class="live bad-text">✕ stale · {clock}</span>'
    word = "● live" if live else "‖ paused"
    return f'<span class="live"><span class="ok">{word}</span> · {clock}</span>'
