"""The controls in the page's head and above its charts, as plain HTML.

A click or a choice goes to the server by the page's script (``shell``), named by ``data-set``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from dashboard_app.picture import COSTS
from dashboard_app.span import SPANS
from dashboard_app.views.block import text

Json = Mapping[str, Any]


def head(state: Mapping[str, Any], choices: Mapping[str, Iterable[str]]) -> str:
    """Range, live or paused, custom range and filters."""
    selects = "".join(
        _select(name, f"All {name}s", choices.get(name, ()), chosen=state[name])
        for name in ("model", "provider", "team")
        if choices.get(name) or state[name]
    )
    return (
        f'<div class="controls">{_group("span", "Range", list(SPANS), state["span"])}'
        f"{_custom()}{_live(bool(state['live']))}{selects}"
        '<button type="button" data-theme aria-label="Dark or light">◐</button></div>'
    )


def body(state: Mapping[str, Any], models: Iterable[str]) -> str:
    """What the cost chart is split by, and which two models are compared."""
    names = list(models)
    first, second = state["compare"]
    return (
        f'<div class="controls">{_group("cost_by", "Cost by", list(COSTS), state["cost_by"])}'
        f"{_select('compare_a', 'Compare model …', names, chosen=first)}"
        f"{_select('compare_b', '… with model', names, chosen=second)}</div>"
    )


def choices(metrics: Json | None) -> dict[str, list[str]]:
    """What the filters can be set to, from unfiltered *metrics*."""
    if metrics is None:
        return {}
    history = metrics.get("history") or {}
    teams = {*(metrics.get("costs", {}).get("byTeam") or {}), *(history.get("byTeam") or {})}
    return {
        "model": sorted({row["model"] for row in (metrics.get("models") or ())}),
        "provider": sorted(metrics.get("providers") or {}),
        "team": sorted(teams - {"other"}),
    }


def _group(name: str, label: str, values: list[str], chosen: str) -> str:
    buttons = "".join(
        f'<button type="button" data-set="{name}" data-value="{value}" '
        f'aria-pressed="{str(value == chosen).lower()}">{value}</button>'
        for value in values
    )
    return f'<div class="group" role="group" aria-label="{label}">{buttons}</div>'


def _live(live: bool) -> str:
    return (
        f'<button type="button" data-toggle="live" aria-pressed="{str(live).lower()}">Live</button>'
    )


def _select(name: str, label: str, values: Iterable[str], *, chosen: str) -> str:
    known = [*values]
    if chosen and chosen not in known:
        known.append(chosen)
    options = "".join(
        f'<option value="{text(v)}"{" selected" if v == chosen else ""}>{text(v)}</option>'
        for v in known
    )
    said = text(label.strip("… "))
    return (
        f'<select data-choose="{name}" aria-label="{said}">'
        f'<option value="">{text(label)}</option>{options}</select>'
    )


def _custom() -> str:
    return (
        '<details class="custom"><summary>Custom</summary><div>'
        '<label>From (UTC) <input type="datetime-local" data-from></label>'
        '<label>To (UTC) <input type="datetime-local" data-to></label>'
        '<button type="button" data-apply>Apply</button></div></details>'
    )
