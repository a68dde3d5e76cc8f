"""The HTTP glue: read the request, ask one function, write the response."""

import gzip
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from starlette.routing import Route

from litellm_obs_plugin.exposition import text
from litellm_obs_plugin.gateway_api.build import build_metrics
from litellm_obs_plugin.gateway_api.models import GatewayMetrics
from litellm_obs_plugin.gateway_api.query import QueryError, parse_query
from litellm_obs_plugin.host import access
from litellm_obs_plugin.metrics.shared_reader import SharedReader
from litellm_obs_plugin.metrics.snapshot import Snapshot

_GZIP_FROM_BYTES = 500
_GZIP_LEVEL = 5
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_MARKER = "litellm_obs_registered"

METRICS_PATH = "/metrics"
GATEWAY_METRICS_PATH = "/api/gateway/metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """What the routes show, and to whom."""

    reader: SharedReader
    roles: Collection[str]
    count_error: Callable[[str], None]


def register(app: FastAPI, surfaces: Surfaces) -> bool:
    """Add our routes to the proxy's *app*; False when they are there already."""
    if getattr(app.state, _MARKER, False):
        return False
    setattr(app.state, _MARKER, True)
    page = _metrics_page(surfaces)
    # Before the built-in mount of the same path, which would redirect.
    for path in (METRICS_PATH, METRICS_PATH + "/"):
        app.router.routes.append(Route(path, page, methods=["GET"], include_in_schema=False))
    app.include_router(_gateway_router(surfaces))
    app.openapi_schema = None
    return True


def _metrics_page(surfaces: Surfaces) -> Callable[[Request], Any]:
    async def metrics(request: Request) -> Response:
        if not access.metrics_are_public():
            user = await access.authenticate(request)
            access.check_reader(user, path=METRICS_PATH, roles=surfaces.roles)
        names = frozenset(request.query_params.getlist("name[]"))
        zipped = "gzip" in request.headers.get("accept-encoding", "")
        build = partial(_zipped_page if zipped else _page, names=names)
        body = await _view(surfaces, ("text", names, zipped), build)
        headers = {"content-type": _TEXT, "vary": "Accept, Accept-Encoding"}
        if zipped:
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    return metrics


def _page(snapshot: Snapshot, *, names: Collection[str]) -> bytes:
    return text.render(snapshot, names=names)


def _zipped_page(snapshot: Snapshot, *, names: Collection[str]) -> bytes:
    return gzip.compress(_page(snapshot, names=names), _GZIP_LEVEL)


def _gateway_router(surfaces: Surfaces) -> APIRouter:
    router = APIRouter(tags=["observability"])

    async def reader(
        request: Request, user: Annotated[Any, Depends(access.user_api_key_auth)]
    ) -> None:
        access.check_reader(user, path=request.url.path, roles=surfaces.roles)

    @router.get(GATEWAY_METRICS_PATH, response_model=GatewayMetrics, dependencies=[Depends(reader)])
    async def gateway_metrics(
        window: Annotated[str | None, Query(description="For example 15m or 1h.")] = None,
    ) -> Response:
        try:
            query = parse_query(window=window)
        except QueryError as error:
            raise _unprocessable(error) from error
        body = await _view(surfaces, query, partial(_gateway_json, window_s=query.window_s))
        return Response(body, media_type="application/json")

    return router


def _gateway_json(snapshot: Snapshot, *, window_s: float) -> bytes:
    metrics = build_metrics(snapshot, asked_window_s=window_s)
    return metrics.model_dump_json(by_alias=True).encode()


async def _view(surfaces: Surfaces, key: Any, build: Callable[[Snapshot], bytes]) -> bytes:
    try:
        return await surfaces.reader.view(key, build)
    except OSError as error:
        surfaces.count_error("read_state")
        raise HTTPException(503, f"the metrics state cannot be read: {error}") from error


def _unprocessable(error: QueryError) -> HTTPException:
    problem = {
        "type": "value_error",
        "loc": ["query", error.field],
        "msg": f"expected {error.expected}",
        "input": error.got,
    }
    return HTTPException(422, [problem])
