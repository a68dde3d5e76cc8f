"""The LiteLLM names we lean on that are not its public interface, each with a fallback.

Checked against LiteLLM 1.106.2. Nothing here raises: a name that has gone makes the answer
"unknown", and :func:`missing_names` tells which.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

log = logging.getLogger(__name__)

_running: set[asyncio.Task[None]] = set()

_LEANED_ON = {
    "litellm": ("get_llm_provider", "model_cost", "callback_settings"),
    "litellm.proxy.proxy_server": (
        *("app", "llm_router", "general_settings", "proxy_shutdown_event"),
    ),
    "litellm.litellm_core_utils.logging_worker": ("GLOBAL_LOGGING_WORKER",),
    "litellm.litellm_core_utils.redact_messages": ("should_redact_message_logging",),
    "litellm.litellm_core_utils.error_normalization": ("normalize_error",),
    "litellm.proxy.auth.user_api_key_auth": ("user_api_key_auth",),
    "litellm.llms.custom_httpx.http_handler": ("get_ssl_verify",),
    "litellm.proxy.health_endpoints._health_endpoints": ("router", "_db_health_readiness_check"),
    "litellm.router_utils.cooldown_handlers": ("router_cooldown_event_callback",),
}


def missing_names() -> list[str]:
    """The names we lean on that this LiteLLM does not have."""
    import importlib

    missing = []
    for module_name, names in _LEANED_ON.items():
        try:
            module = importlib.import_module(module_name)
        except ImportError:
            missing.append(module_name)
            continue
        missing.extend(f"{module_name}.{name}" for name in names if not hasattr(module, name))
    return missing


def litellm_version() -> str:
    try:
        return version("litellm")
    except PackageNotFoundError:
        return "unknown"


def callback_settings(name: str) -> Any:
    """``callback_settings.<name>`` of the proxy's configuration as it was parsed; or None."""
    import litellm

    settings = getattr(litellm, "callback_settings", None) or {}
    return settings.get(name) if isinstance(settings, Mapping) else None


def router() -> Any:
    """The proxy's router, or None before it is built. Never keep it: a reload replaces it."""
    import sys

    proxy_server = sys.modules.get("litellm.proxy.proxy_server")
    return getattr(proxy_server, "llm_router", None)


def proxy_app() -> Any:
    """The proxy's FastAPI application.

    Raises:
        LookupError: we are not inside a proxy.
    """
    import sys

    app = getattr(sys.modules.get("litellm.proxy.proxy_server"), "app", None)
    if app is None:
        msg = "litellm.proxy.proxy_server is not loaded: the callback belongs in a proxy"
        raise LookupError(msg)
    return app


def keep_running(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* on the proxy's loop as long as that runs.

    Raises:
        RuntimeError: no loop is running.
    """
    task = asyncio.get_running_loop().create_task(work)
    _running.add(task)  # the loop itself holds tasks but weakly
    task.add_done_callback(_running.discard)


def run_later(delay_s: float, work: Callable[[], None]) -> bool:
    """Run *work* on the proxy's loop in *delay_s* seconds; False when no loop is running."""
    try:
        asyncio.get_running_loop().call_later(delay_s, work)
    except RuntimeError:
        return False
    return True


def is_model_group(name: str) -> bool:
    """Whether the router knows *name* as a model group or an alias of one."""
    current = router()
    if current is None:
        return False
    aliases = getattr(current, "model_group_alias", None) or {}
    return name in getattr(current, "model_names", ()) or name in aliases


def canonical_group(name: str) -> str:
    """The model group that *name* is an alias of; else *name*."""
    aliases = getattr(router(), "model_group_alias", None) or {}
    target = aliases.get(name, name)
    if isinstance(target, Mapping):
        target = target.get("model", name)
    return target if isinstance(target, str) else name


def deployments() -> list[Mapping[str, Any]]:
    """The router's deployments as it keeps them."""
    found = getattr(router(), "model_list", None) or []
    return [one for one in found if isinstance(one, Mapping)]


async def active_cooldowns() -> dict[str, Mapping[str, Any]]:
    """The deployments that rest now, by id, as the router's cooldown cache has them.

    Raises:
        AttributeError, TypeError: this LiteLLM keeps them otherwise.
    """
    current = router()
    if current is None:
        return {}
    found = await current.cooldown_cache.async_get_active_cooldowns(
        model_ids=current.get_model_ids(), parent_otel_span=None
    )
    return dict(found)


def on_cooldown(entered: Callable[[Mapping[str, Any]], None]) -> bool:
    """Have *entered* called with LiteLLM's keywords whenever a deployment begins to rest.

    LiteLLM looks the function up in its module at each call, so rebinding it is enough. False when
    there is no such function; then the cooldown cache alone tells.
    """
    from litellm.router_utils import cooldown_handlers

    name = "router_cooldown_event_callback"
    original = getattr(cooldown_handlers, name, None)
    if original is None:
        return False

    async def noted(*args: Any, **event: Any) -> Any:
        entered(event)
        return await original(*args, **event)

    setattr(cooldown_handlers, name, noted)
    return True


def deployment_group(deployment_id: str) -> str | None:
    """The model group of a deployment as the configuration names it (it may hold a wildcard)."""
    get_deployment = getattr(router(), "get_deployment", None)
    deployment = get_deployment(model_id=deployment_id) if get_deployment else None
    name = getattr(deployment, "model_name", None)
    return name if isinstance(name, str) else None


def split_model(
    model: str, *, provider: str | None, api_base: str | None
) -> tuple[str, str | None]:
    """(model without its provider prefix, provider) as LiteLLM reads them."""
    import litellm

    try:
        name, found, *_ = litellm.get_llm_provider(
            model=model, custom_llm_provider=provider, api_base=api_base
        )
    except Exception as error:  # noqa: BLE001 LiteLLM raises its own BadRequestError here
        log.debug("litellm_obs: no provider for a model: %s", type(error).__name__)
        return model, provider
    return str(name), str(found) if found else provider


def model_price(key: str) -> Mapping[str, Any]:
    """LiteLLM's price-map entry for *key* (a model, or the id of a deployment with own prices)."""
    import litellm

    entry = getattr(litellm, "model_cost", {}).get(key)
    return entry if isinstance(entry, Mapping) else {}
