"""A bar chart as SVG, so that the picture needs no browser to be made."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

_WIDTH, _BAR, _GAP, _LEFT, _TOP = 640, 26, 14, 170, 44
_COLOURS = ("#9aa0a6", "#1a73e8", "#12806a")


def bar_chart(figures: Mapping[str, float], *, to: Path, title: str) -> None:
    """Write one bar per figure, longest = widest, with its value."""
    longest = max(figures.values())
    height = _TOP + len(figures) * (_BAR + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for at, (name, value) in enumerate(figures.items()):
        y = _TOP + at * (_BAR + _GAP)
        width = max((_WIDTH - _LEFT - 80) * value / longest, 1)
        parts += [
            f'<text x="{_LEFT - 10}" y="{y + 18}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR}" '
            f'fill="{_COLOURS[at % len(_COLOURS)]}"/>',
            f'<text x="{_LEFT + width + 8:.1f}" y="{y + 18}">{value:.3f}</text>',
        ]
    to.write_text("\n".join([*parts, "</svg>", ""]))
