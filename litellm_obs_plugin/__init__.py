"""Observability for the LiteLLM proxy.

``litellm_obs_plugin.proxy_callback`` is what ``proxy_config.yaml`` names; it is built on first
access, and nothing is built on import.
"""

from importlib.metadata import version as _version
from typing import Any

__all__ = ["__version__", "proxy_callback"]

__version__ = _version("litellm-obs-plugin")


def __getattr__(name: str) -> Any:
    if name != "proxy_callback":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    callback = globals()["proxy_callback"] = _build_callback()
    return callback


def _build_callback() -> Any:
    """The callback; an inert one when our own modules do not load with this LiteLLM."""
    try:
        from litellm_obs_plugin.plugin import build_in_proxy
    except Exception as error:  # noqa: BLE001 an exception here would keep the whole proxy from starting
        import logging

        from litellm.integrations.custom_logger import CustomLogger

        logging.getLogger(__name__).error("litellm_obs is off: %s: %s", type(error).__name__, error)
        return CustomLogger()
    return build_in_proxy()
