"""Where the gateway is, and where the dashboard listens."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from dashboard_app.oauth import OAuth, read_oauth

_ORIGIN = re.compile(r"https?://[\w.-]+(:\d+)?")


class ConfigError(ValueError):
    """A setting that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a dashboard process is started with. The key never reaches a browser."""

    gateway_url: str
    gateway_key: str | None = field(default=None, repr=False)
    address: str = "127.0.0.1"
    port: int = 5006
    prefix: str = ""
    origins: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)
    cookie_secret: str | None = field(default=None, repr=False)
    interval_s: float = 2.0
    pages: int = 100
    session_lifetime_s: float = 15.0
    frame_ancestors: tuple[str, ...] = ()
    oauth: OAuth | None = None
    plugin_key: str | None = field(default=None, repr=False)
    plugin_name: str = "llm-obs"


class Secrets(TypedDict):
    """What belongs into the environment and not on a command line."""

    gateway_key: str | None
    password: str | None
    cookie_secret: str | None
    oauth: OAuth | None
    plugin_key: str | None
    plugin_name: str


def read_secrets(environ: Mapping[str, str]) -> Secrets:
    """The settings that belong into the environment and not on a command line."""
    return {
        "gateway_key": environ.get("GATEWAY_DASHBOARD_KEY") or environ.get("LITELLM_MASTER_KEY"),
        "password": environ.get("GATEWAY_DASHBOARD_PASSWORD"),
        "cookie_secret": environ.get("GATEWAY_DASHBOARD_COOKIE_SECRET"),
        "oauth": read_oauth(environ),
        "plugin_key": environ.get("GATEWAY_DASHBOARD_PLUGIN_KEY"),
        "plugin_name": environ.get("GATEWAY_DASHBOARD_PLUGIN_NAME", "llm-obs"),
    }


def check(config: Config) -> None:
    """Refuse what would not work or not be safe.

    Raises:
        ConfigError: the address of the gateway is none, a way to sign in lacks something, or a page
            without one would be reachable from other machines.
    """
    if not config.gateway_url.startswith(("http://", "https://")):
        msg = f"gateway-url: expected http://… or https://…, got {config.gateway_url!r}"
        raise ConfigError(msg)
    if config.pages < 1:
        msg = f"max-pages: expected at least 1, got {config.pages}"
        raise ConfigError(msg)
    for origin in config.frame_ancestors:
        if not _ORIGIN.fullmatch(origin):
            msg = f"frame-ancestor: expected http(s)://host[:port], got {origin!r}"
            raise ConfigError(msg)
    _check_signin(config)


def _check_signin(config: Config) -> None:
    if config.oauth is not None:
        problem = config.oauth.problem()
        if problem is None and config.password:
            problem = "GATEWAY_DASHBOARD_PASSWORD: expected none beside GATEWAY_DASHBOARD_OAUTH_KEY"
        if problem is not None:
            raise ConfigError(problem)
    if config.plugin_key is not None:
        if not _is_key(config.plugin_key):
            msg = "GATEWAY_DASHBOARD_PLUGIN_KEY: expected 32 bytes in URL-safe base64"
            raise ConfigError(msg)
        if not config.frame_ancestors:
            msg = "frame-ancestor: expected the origin of LiteLLM's UI for a plugin key, got none"
            raise ConfigError(msg)
    guarded = config.password or config.oauth or config.plugin_key
    if config.address not in {"127.0.0.1", "localhost", "::1"} and not guarded:
        msg = (
            f"address: {config.address} is reachable from other machines; "
            "set GATEWAY_DASHBOARD_PASSWORD, a provider or a plugin key, or listen on 127.0.0.1"
        )
        raise ConfigError(msg)


def _is_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == 32
    except ValueError:
        return False
