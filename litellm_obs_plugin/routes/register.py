"""Adding our routes to the proxy's application, once."""

from fastapi import FastAPI

from litellm_obs_plugin.routes.gateway import gateway_router
from litellm_obs_plugin.routes.health import health_router, take_over_health
from litellm_obs_plugin.routes.llm import llm_routes
from litellm_obs_plugin.routes.scrape import metrics_page, scrape_route
from litellm_obs_plugin.routes.surfaces import METRICS_PATH, Surfaces

_MARKER = "litellm_obs_registered"


def register(app: FastAPI, surfaces: Surfaces) -> bool:
    """Add our routes to the proxy's *app*; False when they are there already."""
    if getattr(app.state, _MARKER, False):
        return False
    setattr(app.state, _MARKER, True)
    page = metrics_page(surfaces)
    # Before the built-in mount of the same path, which would redirect.
    for path in (METRICS_PATH, METRICS_PATH + "/"):
        app.router.routes.append(scrape_route(path, page, shown=path == METRICS_PATH))
    app.router.routes.extend(llm_routes(app, surfaces))
    app.include_router(gateway_router(surfaces))
    app.include_router(health_router(surfaces))
    if surfaces.replace_health:
        take_over_health(app, surfaces)
    app.openapi_schema = None
    return True
