"""The health routes: they hand out the last report, and make none."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Response

from litellm_obs_plugin.health.page import Page, join, list_endpoints
from litellm_obs_plugin.health.report import HealthCheckResponse, HostHealthResponse
from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.host import access
from litellm_obs_plugin.host.visibility import built_in_router, visible_ids
from litellm_obs_plugin.routes.publishing import with_example
from litellm_obs_plugin.routes.surfaces import HEALTH_PATH, HOST_HEALTH_PATH, LLM_PATH, Surfaces

_OK, _FORBIDDEN, _UNAVAILABLE = 200, 403, 503
_NO_STORE = {"cache-control": "no-store"}

User = Annotated[Any, Depends(access.user_api_key_auth)]
ProbeFirst = Annotated[
    Literal["now"] | None, Query(description="Probe first; for admins, takes seconds.")
]
Ready = Annotated[bool, Query(description="503 only when this process itself cannot serve.")]
Group = Annotated[str | None, Query(description="Only the deployments of this model.")]
DeploymentId = Annotated[str | None, Query(description="Only the deployment with this id.")]


def health_router(surfaces: Surfaces) -> APIRouter:
    """``/health/gateway``, and the same under ``GET /api/llm``."""
    router = APIRouter(tags=["observability"])
    told = {200: with_example("health", HealthCheckResponse), **_unavailable(HealthCheckResponse)}

    @router.get(HEALTH_PATH, responses=told)
    @router.get(LLM_PATH, responses=told)
    async def gateway_health(
        user: User, probe: ProbeFirst = None, ready: Ready = False
    ) -> Response:
        """How the gateway is: each part, and what the verdict rests on. No LLM call is made."""
        detailed = access.has_role(user, surfaces.roles)
        page = await _page(surfaces, probe=probe, detailed=detailed)
        return _answer(_body(page, detailed=detailed), well=_is_well(page, ready=ready))

    return router


def take_over_health(app: FastAPI, surfaces: Surfaces) -> None:
    """Answer ``GET /health`` instead of LiteLLM, whose own makes an LLM call per deployment."""
    router = APIRouter(tags=["observability"])
    unavailable = _unavailable(HostHealthResponse)

    @router.get(HOST_HEALTH_PATH, response_model=HostHealthResponse, responses=unavailable)
    async def health(
        user: User,
        model: Group = None,
        model_id: DeploymentId = None,
        probe: ProbeFirst = None,
        ready: Ready = False,
    ) -> Response:
        """The gateway's health with the keys of LiteLLM's own; no LLM call is made."""
        detailed = access.has_role(user, surfaces.roles)
        asked = {"model": model or None, "model_id": model_id or None}
        visible = visible_ids(user, is_admin=detailed, **asked)
        page = await _page(surfaces, probe=probe, detailed=detailed)
        listing = list_endpoints(page.found, visible=visible, detailed=detailed)
        targeted = any(asked.values())
        well = listing.healthy_count > 0 if targeted else _is_well(page, ready=ready)
        return _answer(join(_body(page, detailed=detailed), listing), well=well)

    app.include_router(router)
    _move_last_before(app.router.routes, built_in_router())


def _move_last_before(routes: list[Any], built_in: Any) -> None:
    """FastAPI keeps included routers whole; the first that matches answers."""
    owners = [getattr(one, "original_router", None) for one in routes]
    place = owners.index(built_in) if built_in is not None and built_in in owners else 0
    routes.insert(place, routes.pop())


async def _page(surfaces: Surfaces, *, probe: str | None, detailed: bool) -> Page:
    monitor = surfaces.health
    if probe is None:
        page = await monitor.latest()
        overdue_s = monitor.overdue_s(page)
        return page.aged(overdue_s) if overdue_s is not None else page
    if not detailed:
        expected = ", ".join(sorted(surfaces.roles))
        raise HTTPException(_FORBIDDEN, f"probe: expected a key with role {expected}")
    return await monitor.probe_now()


def _body(page: Page, *, detailed: bool) -> bytes:
    return page.detailed if detailed else page.plain


def _is_well(page: Page, *, ready: bool) -> bool:
    return page.found.can_serve if ready else page.found.status is not Status.UNHEALTHY


def _answer(body: bytes, *, well: bool) -> Response:
    status_code = _OK if well else _UNAVAILABLE
    return Response(body, status_code, media_type="application/json", headers=_NO_STORE)


def _unavailable(model: type[HealthCheckResponse]) -> dict[int | str, dict[str, Any]]:
    return {_UNAVAILABLE: {"model": model, "description": "Unhealthy, or not ready."}}
