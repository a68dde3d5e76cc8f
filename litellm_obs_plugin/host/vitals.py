"""LiteLLM's own state for the health report: database, Redis, shutdown, background checks."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from litellm_obs_plugin.health.signals import Background
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.health.vitals import CONNECTED, NOT_CONFIGURED, Vitals
from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.payload import mapping, text

_DISCONNECTED = "disconnected"
_UNKNOWN = "unknown"
_ASK_S = 2.0
_ERROR_CHARS = 200
_SERVER = "litellm.proxy.proxy_server"
_HEALTH = "litellm.proxy.health_endpoints._health_endpoints"
_SHUTDOWN = "litellm.proxy.shutdown.graceful_shutdown_manager"


class LiveHost:
    """The proxy that this worker runs in."""

    def __init__(self, *, targets: Callable[[], Sequence[Target]]) -> None:
        self.targets = targets

    @cached_property
    def _missing(self) -> Sequence[str]:
        """Asked for when the proxy runs: looking loads what is not loaded yet."""
        return tuple(compat.missing_names())

    @cached_property
    def _version(self) -> str:
        return compat.litellm_version()

    async def vitals(self) -> Vitals:
        """What LiteLLM says of itself. Nothing raises: what cannot be told is ``unknown``."""
        database, redis = await asyncio.gather(_database(), _redis())
        settings = mapping(getattr(sys.modules.get(_SERVER), "general_settings", None))
        return Vitals(
            litellm_version=self._version,
            has_router=bool(compat.deployments()),
            missing_names=self._missing,
            database=database,
            needs_database=settings.get("allow_requests_on_db_unavailable") not in (True, "true"),
            redis=redis,
            shutting_down=_is_shutting_down(),
            background=read_background(),
        )


def read_background() -> Mapping[str, Background]:
    """The last results of LiteLLM's background checks by deployment id, where they are on."""
    server = sys.modules.get(_SERVER)
    if not getattr(server, "use_background_health_checks", None):
        return {}
    results = mapping(getattr(server, "health_check_results", None))
    return {
        **_results(results.get("healthy_endpoints"), healthy=True),
        **_results(results.get("unhealthy_endpoints"), healthy=False),
    }


def _results(endpoints: Any, *, healthy: bool) -> dict[str, Background]:
    found = {}
    for endpoint in endpoints if isinstance(endpoints, list) else ():
        deployment_id = text(mapping(endpoint).get("model_id"))
        if deployment_id is not None:
            error = "" if healthy else (text(mapping(endpoint).get("error")) or "")
            lines = error.splitlines() or [""]  # a stack trace follows the first
            found[deployment_id] = Background(healthy=healthy, detail=lines[0][:_ERROR_CHARS])
    return found


async def _database() -> str:
    if getattr(sys.modules.get(_SERVER), "prisma_client", None) is None:
        return NOT_CONFIGURED
    check = getattr(sys.modules.get(_HEALTH), "_db_health_readiness_check", None)
    if check is None:
        return _UNKNOWN
    return text(mapping(await _answer(check())).get("status")) or _DISCONNECTED


async def _redis() -> str:
    cache = getattr(sys.modules.get(_SERVER), "redis_usage_cache", None)
    if cache is None:
        return NOT_CONFIGURED
    if not hasattr(cache, "ping"):
        return _UNKNOWN
    return _DISCONNECTED if await _answer(cache.ping()) is None else CONNECTED


async def _answer(question: Awaitable[Any]) -> Any:
    """What LiteLLM answers in time; None when it raises or takes too long."""
    answers = await asyncio.gather(asyncio.wait_for(question, _ASK_S), return_exceptions=True)
    return None if isinstance(answers[0], BaseException) else answers[0]


def _is_shutting_down() -> bool:
    manager = getattr(sys.modules.get(_SHUTDOWN), "GracefulShutdownManager", None)
    ask = getattr(manager, "is_shutting_down", None)
    return bool(ask()) if ask is not None else False
