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
    from litellm_obs_plugin.plugin import build_in_proxy

    callback = globals()["proxy_callback"] = build_in_proxy()
    return callback
