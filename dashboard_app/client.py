"""The gateway's JSON over HTTP. Knows nothing of Panel."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx

from dashboard_app.view import View

SCHEMA_VERSION = 1
_TIMEOUT_S = 10.0
Json = Any


class MetricsError(Exception):
    """The gateway gave no usable answer; the message says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the gateway said at one moment. What it does not offer is None or empty."""

    metrics: dict[str, Json]
    circuits: dict[str, Json] = field(default_factory=dict)
    failovers: list[dict[str, Json]] = field(default_factory=list)
    slow: list[dict[str, Json]] = field(default_factory=list)
    failed: list[dict[str, Json]] = field(default_factory=list)
    slo: dict[str, Json] = field(default_factory=dict)
    health: dict[str, Json] = field(default_factory=dict)


class GatewayClient:
    """Asks one gateway."""

    def __init__(
        self, *, url: str, key: str | None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        # One poller for all pages: an answer of a second ago would only make them later.
        headers = {"Cache-Control": "no-cache"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=_TIMEOUT_S, trust_env=False, transport=transport
        )

    async def __aenter__(self) -> "GatewayClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def read(self, view: View) -> Reading:
        """Everything the page shows of *view*.

        Raises:
            MetricsError: the metrics are not to be had. What else is missing is left empty.
        """
        asked = {n: v for n, v in view.filters.items() if n != "model"}  # a model or its group
        metrics, *rest = await asyncio.gather(
            self._metrics(view),
            self._optional("/api/gateway/circuits", limit=500),
            self._optional("/api/gateway/failovers", limit=50),
            self._optional("/api/gateway/requests", kind="slow", limit=20, **asked),
            self._optional("/api/gateway/requests", kind="failed", limit=20, **asked),
            self._optional("/api/gateway/slo"),
            self._optional("/health/gateway"),
        )
        circuits, failovers, slow, failed, slo, health = rest
        return Reading(
            metrics=metrics,
            circuits=_object(circuits),
            failovers=_entries(failovers),
            slow=_entries(slow),
            failed=_entries(failed),
            slo=_object(slo),
            health=_object(health),
        )

    async def _metrics(self, view: View) -> dict[str, Json]:
        query = {"window": view.span, "step": f"{view.step_s}s", **view.filters}
        try:
            answer = await self._http.get("/api/gateway/metrics", params=query)
        except httpx.TimeoutException as error:
            msg = f"The gateway did not answer within {_TIMEOUT_S:.0f} s"
            raise MetricsError(msg) from error
        except httpx.HTTPError as error:
            msg = "The gateway cannot be reached"
            raise MetricsError(msg) from error
        if answer.status_code in {401, 403}:
            msg = f"The gateway refused the dashboard's key (HTTP {answer.status_code})"
            raise MetricsError(msg)
        if answer.status_code != 200:
            msg = f"The gateway answered HTTP {answer.status_code}"
            raise MetricsError(msg)
        return _checked(answer)

    async def _optional(self, path: str, **query: str | int) -> Json:
        try:
            answer = await self._http.get(path, params=query)
            return answer.json() if answer.status_code in {200, 503} else None
        except (httpx.HTTPError, ValueError):
            return None


def _checked(answer: httpx.Response) -> dict[str, Json]:
    try:
        body = answer.json()
    except ValueError as error:
        kind = answer.headers.get("content-type", "nothing")
        msg = f"The gateway answered {kind} where JSON was expected; is the plugin on?"
        raise MetricsError(msg) from error
    version = body.get("schemaVersion") if isinstance(body, dict) else None
    if version != SCHEMA_VERSION:
        msg = f"The gateway speaks schema {version}; this dashboard knows {SCHEMA_VERSION}"
        raise MetricsError(msg)
    found: dict[str, Json] = body
    return found


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _entries(value: Json) -> list[dict[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
