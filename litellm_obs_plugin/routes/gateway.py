"""The JSON routes under ``/api/gateway``."""

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from litellm_obs_plugin.gateway_api.budgets import build_budgets
from litellm_obs_plugin.gateway_api.circuits import Circuits, build_circuits
from litellm_obs_plugin.gateway_api.models import GatewayMetrics, ProviderState
from litellm_obs_plugin.gateway_api.objectives import Promised, build_objectives
from litellm_obs_plugin.gateway_api.query import MetricsQuery, QueryError, parse_query
from litellm_obs_plugin.gateway_api.rows import FailoverRow, RequestRow
from litellm_obs_plugin.gateway_api.table import write_history, write_table
from litellm_obs_plugin.gateway_api.window import Surroundings, build_window
from litellm_obs_plugin.history.standing import HistoryError
from litellm_obs_plugin.host import access
from litellm_obs_plugin.ledger.book import Page
from litellm_obs_plugin.ledger.entry import Entry
from litellm_obs_plugin.ledger.selection import Selection, Sort
from litellm_obs_plugin.ledger.table import FAILOVER_COLUMNS, REQUEST_COLUMNS, list_rows
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Outcome
from litellm_obs_plugin.routes.answering import (
    Form,
    Shelf,
    choose_form,
    max_age_s,
    respond,
    wants_fresh,
)
from litellm_obs_plugin.routes.paging import Before, next_page, parse_position
from litellm_obs_plugin.routes.parameters import DIMENSIONS, PartFilters, only
from litellm_obs_plugin.routes.provider import provider_verdicts
from litellm_obs_plugin.routes.publishing import answers
from litellm_obs_plugin.routes.reconciliation import reconciliation_router
from litellm_obs_plugin.routes.stream import add_stream
from litellm_obs_plugin.routes.surfaces import (
    CIRCUITS_PATH,
    FAILOVERS_PATH,
    GATEWAY_METRICS_PATH,
    REQUESTS_PATH,
    SLO_PATH,
    Surfaces,
    no_fleet,
    unprocessable,
)

if TYPE_CHECKING:
    from litellm_obs_plugin.history.past import PastReader

log = logging.getLogger(__name__)

_PAGES = {"recent": Page.RECENT, "slow": Page.SLOW, "failed": Page.FAILED}
_CHANGES = 1000
_UNCHANGED = {"description": "The caller's `If-None-Match` still holds."}
_METRICS_PARAMETERS = ("window", "since", "until", "step", "scope", "format", *DIMENSIONS)
_LEDGER_PARAMETERS = (
    *("kind", "sort", "limit", "offset", "before", "scope", "format"),
    *("modelGroup", "model", "provider", "outcome", "team", "key"),
)
Window = Annotated[str | None, Query(description="For example 15m, 1h or 7d; 1h without.")]
Since = Annotated[
    str | None, Query(description="Start of the window instead, such as 2026-01-31T12:00:00Z.")
]
Until = Annotated[str | None, Query(description="End of the window, if it is not now.")]
Step = Annotated[str | None, Query(description="Adds `history` in steps of, say, 30s.")]
Scope = Annotated[
    Literal["instance", "fleet"],
    Query(description="`fleet`: all proxies that share the database of `history.url`."),
]
Kind = Annotated[
    Literal["recent", "slow", "failed"],
    Query(description="`slow`: longer than `ledger.slow_ms`; `failed`: errors and rejections."),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many, newest first.")]
Offset = Annotated[int, Query(ge=0, le=1_000_000, description="Leave out so many first.")]
AskedForm = Annotated[
    Form | None, Query(alias="format", description="`csv` for a table; so does `Accept: text/csv`.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilters:
    """Only requests with these values."""

    model_group: Annotated[
        str | None, Query(alias="modelGroup", description="The group that was asked for.")
    ] = None
    model: Annotated[str | None, Query(description="The model that answered, or was last.")] = None
    provider: Annotated[str | None, Query(description="Its provider, such as openai.")] = None
    outcome: Annotated[Outcome | None, Query(description="How it ended.")] = None
    team: Annotated[str | None, Query(description="The caller's team, by alias or id.")] = None
    key: Annotated[str | None, Query(description="The alias of the caller's key.")] = None

    def where(self) -> dict[str, str]:
        """Those that are given, by the name of the entry's field."""
        given = {**asdict(self), "modelGroup": self.model_group}
        del given["model_group"]
        return {name: str(value) for name, value in given.items() if value is not None}


def reader_dependency(surfaces: Surfaces) -> Callable[..., Any]:
    """Lets through who may read; FastAPI runs the proxy's own auth before."""

    async def check(
        request: Request, user: Annotated[Any, Depends(access.user_api_key_auth)]
    ) -> None:
        access.check_reader(user, path=request.url.path, roles=surfaces.roles)

    return check


def gateway_router(surfaces: Surfaces) -> APIRouter:
    """All of ``/api/gateway``."""
    router = APIRouter(tags=["observability"], dependencies=[Depends(reader_dependency(surfaces))])
    _add_metrics(router, surfaces)
    add_stream(router, surfaces, partial(_read_metrics, surfaces=surfaces))
    _add_ledger(router, surfaces)
    _add_circuits(router, surfaces)
    _add_budgets(router, surfaces)
    router.include_router(reconciliation_router(surfaces))
    return router


def _add_budgets(router: APIRouter, surfaces: Surfaces) -> None:
    told = answers("slo", Promised)

    @router.get(SLO_PATH, responses=told, dependencies=[Depends(only())])
    async def slo() -> Response:
        """Every budget and objective: used, left, and when it will be used up at this rate."""
        build = partial(_budgets_json, surfaces=surfaces)
        return Response(await surfaces.view("budgets", build), media_type="application/json")


def _budgets_json(snapshot: Snapshot, *, surfaces: Surfaces) -> bytes:
    known = build_budgets(snapshot, surfaces.budgets, now=surfaces.clock())
    objectives = build_objectives(surfaces.promises.states(snapshot))
    found = Promised(budgets=known.budgets, key_budgets=known.key_budgets, objectives=objectives)
    return found.model_dump_json(by_alias=True).encode()


def _add_circuits(router: APIRouter, surfaces: Surfaces) -> None:
    told = answers("circuits", Circuits)

    @router.get(CIRCUITS_PATH, responses=told, dependencies=[Depends(only("limit"))])
    async def circuits(limit: Limit = 50) -> Response:
        """Every deployment's circuit, and the last changes of all workers."""
        changes = await surfaces.newest(Page.CIRCUITS, limit=limit)
        build = partial(_circuits_json, changes=changes)
        return Response(await surfaces.view(object(), build), media_type="application/json")


def _circuits_json(snapshot: Snapshot, *, changes: list[Entry]) -> bytes:
    return build_circuits(snapshot, changes).model_dump_json(by_alias=True).encode()


def _add_metrics(router: APIRouter, surfaces: Surfaces) -> None:
    shelf = Shelf(surfaces.clock)

    @router.get(
        GATEWAY_METRICS_PATH,
        responses=answers("metrics", GatewayMetrics, s304=_UNCHANGED),
        dependencies=[Depends(only(*_METRICS_PARAMETERS))],
    )
    async def metrics(
        request: Request,
        parts: Annotated[PartFilters, Depends()],
        window: Window = None,
        since: Since = None,
        until: Until = None,
        step: Step = None,
        scope: Scope = "instance",
        asked_form: AskedForm = None,
    ) -> Response:
        """What the gateway did: requests, latency, cost, tokens, providers, models, errors.

        With `format=csv` the `history`, one row per step. The answer may be as old as
        `Cache-Control` says; a request with `Cache-Control: no-cache` is always computed anew.
        """
        form = choose_form(asked_form, request.headers.get("accept"))
        try:
            query = parse_query(
                window=window,
                since=since,
                until=until,
                step=step,
                filters=parts.parse(),
                now=math.ceil(surfaces.clock()),  # so that equal questions are one for a second
            )
            if form is Form.CSV and query.step_s is None:
                raise QueryError("step", expected="a step, as CSV holds the history", got=step)
        except QueryError as error:
            raise unprocessable(error) from error
        query = replace(query, scope=scope)
        age_s = max_age_s(query.step_s)
        kept = await shelf.get(
            (query, form),
            partial(_read_metrics, query, form, surfaces=surfaces),
            max_age_s=age_s,
            fresh=wants_fresh(request),
        )
        return respond(request, kept, form=form, age_s=age_s)


async def _read_metrics(
    query: MetricsQuery, form: Form = Form.JSON, *, surfaces: Surfaces
) -> bytes:
    providers = await provider_verdicts(surfaces.health)
    build = partial(_write_metrics, query=query, form=form, surfaces=surfaces, providers=providers)
    if query.scope == "fleet":
        return await _read_fleet(build, surfaces=surfaces)

    def build_here(snapshot: Snapshot) -> bytes:
        return build(snapshot, archive=surfaces.archive())

    return await surfaces.view((query, form), build_here)


async def _read_fleet(build: Callable[..., bytes], *, surfaces: Surfaces) -> bytes:
    """In threads of their own: a database that does not answer holds no scrape."""
    archive = surfaces.fleet_archive()
    if archive is None:
        raise unprocessable(no_fleet())
    snapshot = await surfaces.snapshot()
    try:
        return await surfaces.fleet.run(partial(build, snapshot, archive=archive))
    except HistoryError as error:
        surfaces.count_error("read_history")
        raise HTTPException(503, str(error)) from error


def _write_metrics(
    snapshot: Snapshot,
    *,
    query: MetricsQuery,
    form: Form,
    surfaces: Surfaces,
    providers: Mapping[str, ProviderState],
    archive: "PastReader | None",
) -> bytes:
    changes = surfaces.ledger.newest(Page.CIRCUITS, limit=_CHANGES)
    around = Surroundings(circuit_changes=changes, providers=providers)
    try:
        found = build_window(snapshot, archive, query, around)
    except HistoryError as error:
        if query.scope == "fleet":
            raise
        surfaces.count_error("read_history")
        log.debug("litellm_obs: history cannot be read", exc_info=error)
        found = build_window(snapshot, None, query, around)
    if form is Form.JSON:
        return found.model_dump_json(by_alias=True).encode()
    if found.history is None:
        raise HTTPException(503, "history is not kept, or cannot be read: CSV holds nothing else")
    return write_history(found.history)


def _add_ledger(router: APIRouter, surfaces: Surfaces) -> None:
    @router.get(
        REQUESTS_PATH,
        responses=answers("requests", list[RequestRow]),
        dependencies=[Depends(only(*_LEDGER_PARAMETERS))],
    )
    async def requests(
        request: Request,
        asked: Annotated[RequestFilters, Depends()],
        kind: Kind = "recent",
        sort: Annotated[Sort, Query(description="Newest, longest or dearest first.")] = Sort.TIME,
        limit: Limit = 50,
        offset: Offset = 0,
        before: Before = None,
        scope: Scope = "instance",
        asked_form: AskedForm = None,
    ) -> Response:
        """The last requests of a kind, of all workers; `X-Total-Count` says how many match.

        While requests come in, pages by `offset` show some twice. The header `Link` of a page has
        the address of the next one, `rel="next"`, which begins behind its last request.
        With `scope=fleet` those that all proxies have brought to their database so far.
        """
        selection = Selection(
            where=asked.where(),
            before=parse_position(before, sort=sort),
            sort=sort,
            offset=offset,
            limit=limit,
        )
        select = surfaces.select_fleet if scope == "fleet" else surfaces.select
        found = await select(_PAGES[kind], selection)
        told = {"x-total-count": str(found.total), **next_page(request, found, selection)}
        if choose_form(asked_form, request.headers.get("accept")) is Form.CSV:
            return _table(found.entries, REQUEST_COLUMNS, headers=told)
        return JSONResponse(found.entries, headers=told)

    @router.get(
        FAILOVERS_PATH,
        responses=answers("failovers", list[FailoverRow]),
        dependencies=[Depends(only("limit", "format"))],
    )
    async def failovers(
        request: Request, limit: Limit = 50, asked_form: AskedForm = None
    ) -> Response:
        """The last failovers, of all workers, each with what it cost."""
        entries = await surfaces.newest(Page.FAILOVERS, limit=limit)
        if choose_form(asked_form, request.headers.get("accept")) is Form.CSV:
            return _table(entries, FAILOVER_COLUMNS, headers={})
        return JSONResponse(entries)


def _table(
    entries: list[Entry], columns: Mapping[str, str], *, headers: Mapping[str, str]
) -> Response:
    body = write_table(list(columns), list_rows(entries, columns))
    return Response(body, media_type=Form.CSV.media_type, headers=dict(headers))
