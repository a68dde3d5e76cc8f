"""``GET /api/gateway/reconciliation``."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query

from litellm_obs_plugin.gateway_api.query import QueryError, parse_days
from litellm_obs_plugin.gateway_api.reconciliation import Reconciliation
from litellm_obs_plugin.routes.parameters import only
from litellm_obs_plugin.routes.publishing import answers
from litellm_obs_plugin.routes.surfaces import RECONCILIATION_PATH, Surfaces, unprocessable

_MOST_DAYS = 31


def reconciliation_router(surfaces: Surfaces) -> APIRouter:
    router = APIRouter()

    told = answers("reconciliation", Reconciliation)

    @router.get(RECONCILIATION_PATH, responses=told, dependencies=[Depends(only("window"))])
    async def reconciliation(
        window: Annotated[str | None, Query(description="For example 1d or 7d.")] = None,
    ) -> Reconciliation:
        """Our cost beside the spend log's and Langfuse's, by day and model."""
        try:
            window_s = parse_days(window, most=_MOST_DAYS)
        except QueryError as error:
            raise unprocessable(error) from error
        try:
            return await surfaces.reconciler.report(window_s)
        except OSError as error:
            surfaces.count_error("read_state")
            raise HTTPException(503, f"the metrics state cannot be read: {error}") from error

    return router
