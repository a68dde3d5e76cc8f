"""Where the gateway is, and where the dashboard listens."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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


def read_secrets(environ: Mapping[str, str]) -> dict[str, str | None]:
    """The settings that belong into the environment and not on a command line."""
    return {
        "gateway_key": environ.get("GATEWAY_DASHBOARD_KEY") or environ.get("LITELLM_MASTER_KEY"),
        "password": environ.get("GATEWAY_DASHBOARD_PASSWORD"),
        "cookie_secret": environ.get("GATEWAY_DASHBOARD_COOKIE_SECRET"),
    }


def check(config: Config) -> None:
    """Refuse what would not work or not be safe.

    Raises:
        ConfigError: the address of the gateway is none, or a page without a password would be
            reachable from other machines.
    """
    if not config.gateway_url.startswith(("http://", "https://")):
        msg = f"gateway-url: expected http://… or https://…, got {config.gateway_url!r}"
        raise ConfigError(msg)
    if config.address not in {"127.0.0.1", "localhost", "::1"} and not config.password:
        msg = (
            f"address: {config.address} is reachable from other machines; "
            "set GATEWAY_DASHBOARD_PASSWORD, or listen on 127.0.0.1"
        )
        raise ConfigError(msg)
