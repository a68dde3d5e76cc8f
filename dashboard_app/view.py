"""What a page is asked to show: a range, and only some of the traffic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard_app.span import DEFAULT_SPAN, SPANS, step_s

FILTERS = ("model", "provider", "team")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A range and its filters; an empty filter lets all through."""

    span: str = DEFAULT_SPAN
    model: str = ""
    provider: str = ""
    team: str = ""

    @property
    def seconds(self) -> int:
        return SPANS[self.span]

    @property
    def step_s(self) -> int:
        return step_s(self.span)

    @property
    def filters(self) -> dict[str, str]:
        """Those that are set."""
        return {name: getattr(self, name) for name in FILTERS if getattr(self, name)}

    def lets_through(self, one: Mapping[str, Any]) -> bool:
        """Whether *one* (a request, a circuit, an attempt) belongs to the view."""
        groups = {one.get("model"), one.get("modelGroup")}
        return (
            (not self.model or self.model in groups)
            and (not self.provider or one.get("provider") == self.provider)
            and (not self.team or "team" not in one or one["team"] == self.team)
        )
