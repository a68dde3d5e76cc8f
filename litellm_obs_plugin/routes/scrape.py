"""``GET /metrics``: the page for Prometheus, in the format it asks for."""

import gzip
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from starlette.routing import Route

from litellm_obs_plugin.exposition import page
from litellm_obs_plugin.exposition.negotiation import Format, choose
from litellm_obs_plugin.host import access
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.metrics.view import for_page
from litellm_obs_plugin.routes.surfaces import METRICS_PATH, Surfaces

log = logging.getLogger(__name__)

_GZIP_LEVEL = 1  # a page is alike all over: higher ones take thrice as long to save 3 %
_EXAMPLE = (
    "# TYPE llm_gateway_requests_total counter\n"
    'llm_gateway_requests_total{model_group="chat",operation="chat",stream="false",'
    'outcome="success"} 42\n'
)
_NAMES = {
    "name": "name[]",
    "in": "query",
    "description": "Only these families; repeatable.",
    "schema": {"type": "array", "items": {"type": "string"}},
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What a scrape asked for."""

    format: Format
    names: frozenset[str]
    zipped: bool


def metrics_page(surfaces: Surfaces) -> Callable[[Request], Any]:
    """The handler of the route."""

    async def metrics(request: Request) -> Response:
        """The page for Prometheus: all families of the gateway, and LiteLLM's own behind them."""
        if not access.metrics_are_public():
            user = await access.authenticate(request)
            access.check_reader(user, path=METRICS_PATH, roles=surfaces.roles)
        ask = _ask(request)
        body = await surfaces.view(ask, partial(_render, ask=ask, surfaces=surfaces))
        headers = {"content-type": str(ask.format), "vary": "Accept, Accept-Encoding"}
        if ask.zipped:
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    return metrics


def scrape_route(path: str, page: Callable[[Request], Any], *, shown: bool) -> Route:
    """The route for *page*; *shown*: in the proxy's OpenAPI page."""
    return APIRoute(
        path,
        page,
        methods=["GET"],
        tags=["observability"],
        include_in_schema=shown,
        response_class=PlainTextResponse,
        responses={
            200: {
                "description": "Text 0.0.4, OpenMetrics 1.0 or protobuf, by `Accept`.",
                "content": {
                    "text/plain": {"example": _EXAMPLE},
                    "application/openmetrics-text": {},
                    "application/vnd.google.protobuf": {},
                },
            }
        },
        openapi_extra={"parameters": [_NAMES]},
    )


def _ask(request: Request) -> Ask:
    return Ask(
        format=choose(request.headers.get("accept", "")),
        names=frozenset(request.query_params.getlist("name[]")),
        zipped=_accepts_gzip(request.headers.get("accept-encoding", "")),
    )


def _accepts_gzip(header: str) -> bool:
    for entry in header.lower().split(","):
        coding, _, quality = entry.partition(";")
        if coding.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _render(snapshot: Snapshot, *, ask: Ask, surfaces: Surfaces) -> bytes:
    begun_s = time.perf_counter()
    body = _render_plain(snapshot, ask.format, names=ask.names, surfaces=surfaces)
    body = gzip.compress(body, _GZIP_LEVEL) if ask.zipped else body
    surfaces.scraped(time.perf_counter() - begun_s)
    return body


def _render_plain(
    snapshot: Snapshot, format: Format, *, names: Collection[str], surfaces: Surfaces
) -> bytes:
    shown = for_page(snapshot, allowed=surfaces.labels)
    ours = partial(page.render, shown, format, names=names, schema=surfaces.schema)
    try:
        return ours(others=surfaces.host_families())
    except Exception as error:  # the host's families must not cost ours
        surfaces.count_error("host_families")
        log.debug("litellm_obs: the host's own metrics are left out", exc_info=error)
        return ours()
