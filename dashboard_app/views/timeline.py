"""Circuits over time, and the events behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard_app import units
from dashboard_app.answer import dig, epoch_ms
from dashboard_app.views.block import text
from dashboard_app.views.tables import trace_link

Json = Mapping[str, Any]
_MOST_LANES = 12


def render(circuits: Json, failovers: Sequence[Json], *, now_s: float, seconds: int) -> str:
    """A bar for every deployment: green closed, red open, ▼ failover."""
    end, start = now_s * 1000, (now_s - seconds) * 1000
    changes = sorted(circuits.get("changes") or (), key=lambda c: str(c["time"]))
    lanes = "".join(
        _lane(one, changes, failovers, start=start, end=end)
        for one in (circuits.get("circuits") or ())[:_MOST_LANES]
    )
    body = lanes or '<p class="empty">No deployment known yet</p>'
    return (
        '<section class="card" aria-label="Circuits and failovers"><div class="top">'
        '<h2>Circuits and failovers</h2><span class="label">'
        '<span class="key" style="background:var(--ok)"></span>closed &nbsp;'
        '<span class="key" style="background:var(--bad)"></span>open &nbsp;▼ failover</span></div>'
        f"{body}</section>"
    )


def _lane(
    one: Json, changes: Sequence[Json], failovers: Sequence[Json], *, start: float, end: float
) -> str:
    spans = open_spans(one, [c for c in changes if c["deployment"] == one["deployment"]], end=end)
    bars = "".join(
        f'<i style="left:{_share(a, start, end):.2f}%;'
        f'width:{_share(b, start, end) - _share(a, start, end):.2f}%" '
        f'title="open: {text(why)}"></i>'
        for a, b, why in spans
        if b > start
    )
    marks = "".join(
        f'<b style="left:{_share(epoch_ms(f["time"]), start, end):.2f}%" '
        f'title="failover: {text(f["reason"])}">▼</b>'
        for f in failovers
        if dig(f, "from", "deployment") == one["deployment"] and epoch_ms(f["time"]) >= start
    )
    name = f"{one['modelGroup']} · {one['provider']}"
    said = f"{name}: {one['state']}, open {units.counted(len(spans), 'time')}"
    return (
        f'<div class="lane"><span title="{text(name)}">{text(name)}</span>'
        f'<span class="track" role="img" aria-label="{text(said)}">{bars}{marks}</span></div>'
    )


def open_spans(one: Json, changes: Sequence[Json], *, end: float) -> list[tuple[float, float, str]]:
    """When the circuit was open, in epoch milliseconds, with the reason; *changes* by time."""
    spans, since, why = [], None, ""
    for change in changes:
        at = epoch_ms(change["time"])
        if change["state"] == "open" and since is None:
            since, why = at, str(change.get("reason") or "")
        elif change["state"] == "closed" and since is not None:
            spans.append((since, at, why))
            since = None
    if since is not None and one["state"] == "open":
        spans.append((since, end, why))
    return spans


def _share(at: float, start: float, end: float) -> float:
    return min(max((at - start) / (end - start), 0), 1) * 100


def render_events(circuits: Json, failovers: Sequence[Json], *, now_s: float) -> str:
    """Circuit changes and failovers, newest first."""
    events = [(epoch_ms(c["time"]), _change(c)) for c in circuits.get("changes") or ()]
    events += [(epoch_ms(f["time"]), _failover(f)) for f in failovers]
    newest = sorted(events, key=lambda e: -e[0])[:12]
    items = "".join(
        f"<li>{words}<span class='muted'>{units.age(now_s - at / 1000)} ago</span></li>"
        for at, words in newest
    )
    body = f'<ul class="events">{items}</ul>' if items else '<p class="empty">None so far</p>'
    return (
        '<section class="card" aria-label="Recent events"><div class="top"><h2>Recent events</h2>'
        f"</div>{body}</section>"
    )


def _change(one: Json) -> str:
    tone, word = ("bad-text", "✕ open") if one["state"] == "open" else ("ok", "● closed")
    reason = f" · {text(one['reason'])}" if one.get("reason") else ""
    return (
        f'<span class="wrap"><b>{text(one["provider"])}</b> '
        f'<span class="pill {tone}">{word}</span><br><span class="muted">'
        f"{text(one['modelGroup'])} · {text(one['deployment'])}{reason}</span></span>"
    )


def _failover(one: Json) -> str:
    source, target = one["from"], one["to"]
    recovered = one["outcome"] == "recovered"
    tone, word = ("warn-text", "◐ failover") if recovered else ("bad-text", "✕ failover failed")
    added = one.get("costAddedUsd")
    price = f" · {units.difference_of_cost(added)}" if added is not None else ""
    link = f" · {trace_link(one)}" if one.get("traceUrl") else ""
    return (
        f'<span class="wrap"><b>{text(source["provider"])}</b> '
        f'<span class="pill {tone}">{word}</span><br><span class="muted">'
        f"{text(source['modelGroup'])} → {text(target['modelGroup'])} · {text(one['reason'])} · "
        f"{units.duration(one.get('lostMs'))} lost{price}{link}</span></span>"
    )
