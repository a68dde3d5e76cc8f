"""What LiteLLM knows of a provider's address, and how it checks certificates."""

import logging
from typing import Any

import litellm

from litellm_obs_plugin.health.target import Verify

log = logging.getLogger(__name__)


def default_endpoint(model: str, *, provider: str | None) -> tuple[str | None, str | None]:
    """(address, key) that LiteLLM would use for *model* if the configuration gave none."""
    try:
        _, _, key, address = litellm.get_llm_provider(model=model, custom_llm_provider=provider)
    except Exception as error:  # noqa: BLE001 LiteLLM raises its own BadRequestError here
        log.debug("litellm_obs: no address for a model: %s", type(error).__name__)
        return None, None
    return address or None, key or None


def tls_verification(own: Any) -> Verify:
    """LiteLLM's ``ssl_verify``: the deployment's *own*, else the global one, else True."""
    from litellm.llms.custom_httpx import http_handler

    resolve = getattr(http_handler, "get_ssl_verify", None)
    found = resolve(ssl_verify=own if isinstance(own, bool | str) else None) if resolve else own
    return found if isinstance(found, bool | str) else True
