"""What the JSON routes take in their query, and the refusal of anything else."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Query, Request

from litellm_obs_plugin.gateway_api.filters import Filters
from litellm_obs_plugin.gateway_api.query import QueryError, check_names, parse_filters
from litellm_obs_plugin.routes.surfaces import unprocessable

DIMENSIONS = ("model", "provider", "team", "key", "tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFilters:
    """Only the traffic with these values. What cannot be told of it is null."""

    model: Annotated[
        list[str] | None,
        Query(description="Only attempts of this model, as in `models[].model`; repeatable."),
    ] = None
    provider: Annotated[
        list[str] | None,
        Query(description="Only attempts of this provider, such as openai; repeatable."),
    ] = None
    team: Annotated[
        list[str] | None, Query(description="Only requests of this team's alias or id; repeatable.")
    ] = None
    key: Annotated[
        list[str] | None, Query(description="Only requests of the key with this alias; repeatable.")
    ] = None
    tag: Annotated[
        list[str] | None,
        Query(description="Only requests with this tag; repeatable, then without totals."),
    ] = None

    def parse(self) -> Filters:
        """The same, checked.

        Raises:
            QueryError: a value is bad.
        """
        return parse_filters(**{name: values or () for name, values in asdict(self).items()})


def only(*names: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that refuses parameters that the route does not know, or that come twice."""

    async def check(request: Request) -> None:
        given = [name for name, _ in request.query_params.multi_items()]
        try:
            check_names(given, known=names, repeatable=DIMENSIONS if "step" in names else ())
        except QueryError as error:
            raise unprocessable(error) from error

    return check
