"""What the proxy's OpenAPI page says of our routes beside their types: examples and refusals."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

Answers = dict[int | str, dict[str, Any]]

_REFUSED: Answers = {
    401: {"description": "No key, or a wrong one."},
    403: {"description": "A key without one of the roles of `require_role`."},
}
_UNREADABLE: Answers = {503: {"description": "The metrics state cannot be read now."}}


@cache
def examples() -> dict[str, Any]:
    """Answers of a real proxy, shortened, by the name of what they show."""
    return dict(json.loads(files(__package__).joinpath("examples.json").read_text("utf-8")))


def answers(name: str, model: Any, **more: dict[str, Any]) -> Answers:
    """The ``responses`` of a reading route: *model* with its example, and what else may come.

    *more* by name of status: ``s422={"description": …}``.
    """
    extra: Answers = {int(status.removeprefix("s")): told for status, told in more.items()}
    return {200: with_example(name, model), **_REFUSED, **_UNREADABLE, **extra}


def with_example(name: str, model: Any) -> dict[str, Any]:
    """One answer: its type and its example."""
    content = {"application/json": {"example": examples()[name]}}
    return {"model": model, "description": "As described.", "content": content}
