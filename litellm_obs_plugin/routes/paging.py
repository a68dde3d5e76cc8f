"""From one page of the ledger to the next, so that no request is shown twice."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request

from litellm_obs_plugin.gateway_api.query import QueryError
from litellm_obs_plugin.ledger.selection import Found, Position, Selection, Sort
from litellm_obs_plugin.routes.surfaces import unprocessable

Before = Annotated[
    str | None,
    Query(
        max_length=300,
        description="Only what stands behind: a time, or what `Link: <…>; rel=next` has.",
    ),
]


def parse_position(text: str | None, *, sort: Sort) -> Position | None:
    """The place that *text* names.

    Raises:
        HTTPException: 422 when it names none, or the order has no such places.
    """
    if text is None:
        return None
    try:
        if sort is not Sort.TIME:
            raise QueryError("before", expected="sort=time beside it", got=text)
        return Position.parse(text)
    except (ValueError, OverflowError) as error:
        if not isinstance(error, QueryError):
            expected = "a time such as 2026-01-31T12:00:00Z, or what a Link header has"
            error = QueryError("before", expected=expected, got=text)
        raise unprocessable(error) from error


def next_page(request: Request, found: Found, selection: Selection) -> dict[str, str]:
    """The header that leads on, when there is more."""
    shown = len(found.entries)
    if selection.sort is not Sort.TIME or not shown or selection.offset + shown >= found.total:
        return {}
    query = dict(request.query_params)
    query.pop("offset", None)
    query["before"] = str(Position.of(found.entries[-1]))
    return {"link": f'<?{urlencode(query, errors="replace")}>; rel="next"'}
