"""The row of large numbers."""

from collections.abc import Sequence

from dashboard_app.summary import Tile
from dashboard_app.views.block import sparkline, text

_TEXT = {"ok": "ok", "warn": "warn-text", "bad": "bad-text"}


def render(tiles: Sequence[Tile]) -> str:
    """HTML of all tiles."""
    return f'<div class="tiles">{"".join(map(_tile, tiles))}</div>'


def _tile(tile: Tile) -> str:
    border = tile.tone if tile.tone in {"warn", "bad"} else ""
    colour = f"var(--{border})" if border else "var(--s0)"
    change = f'<span class="label {tile.change_tone}">{text(tile.change)}</span>'
    return (
        f'<div class="card {border}" role="group" aria-label="{text(tile.label)}">'
        f'<div class="top"><span class="label">{text(tile.label)}</span>{change}</div>'
        f'<div class="value {_TEXT.get(tile.tone, "")}">{text(tile.value)}</div>'
        f'<div class="label">{text(tile.detail)}</div>'
        f"{sparkline(tile.spark, colour=colour)}</div>"
    )
