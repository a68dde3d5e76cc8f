"""The HTML around the page. Its numbers stand there before any script has run."""

from functools import cache
from importlib.resources import files
from typing import Any

from dashboard_app.theme import PAGE_CSS


def dress(document: Any, *, first_paint: str) -> None:
    """Give *document* the page's HTML; *first_paint* is shown until the scripts have run."""
    document.template = _asset("page.html")
    document.template_variables.update(
        first_paint=first_paint,
        page_css=PAGE_CSS,
        theme_script=_asset("theme.js"),
        page_script=_asset("page.js"),
    )


@cache
def _asset(name: str) -> str:
    return files("dashboard_app").joinpath("assets", name).read_text(encoding="utf-8")
