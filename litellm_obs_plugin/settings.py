"""Settings: ``callback_settings.litellm_obs`` in the proxy's configuration, or ``LITELLM_OBS_*``.

Checked once, at start. A variable wins over the configuration file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

SECTION = "callback_settings.litellm_obs"
ENV_PREFIX = "LITELLM_OBS_"

ADMIN_ROLES = ("proxy_admin", "proxy_admin_viewer")


class SettingsError(ValueError):
    """A setting is unknown or bad; the message names it, what was expected and what came."""


class LedgerSettings(BaseModel):
    """The last requests, kept one by one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slow_ms: float = Field(
        default=5_000, gt=0, description="A request is slow from this many milliseconds on."
    )
    size: int = Field(
        default=200, ge=1, le=10_000, description="Entries kept of each kind, per worker."
    )


class Settings(BaseSettings):
    """Every setting has a default."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    state_dir: Path | None = Field(
        default=None,
        description="Directory of the metrics state. Local disk, one per proxy. "
        "Default: `~/.local/state/litellm-obs/<host>-<port>` (or under `XDG_STATE_HOME`).",
    )
    max_series: int = Field(
        default=500,
        ge=1,
        le=100_000,
        description="Label sets per metric and worker; further ones fold into `other`.",
    )
    require_role: Annotated[tuple[str, ...], NoDecode] = Field(
        default=ADMIN_ROLES,
        description="User roles that may read the plugin's routes. A key whose `allowed_routes` "
        "lists the path may read it too.",
    )

    histogram_schema: int = Field(
        default=5,
        ge=-4,
        le=5,
        description="Finest resolution of native histograms; 5 is a bucket every 2.2 %.",
    )
    response_headers: bool = Field(
        default=True, description="Whether answers carry `x-gateway-*` and `Server-Timing`."
    )
    ledger: LedgerSettings = Field(
        default=LedgerSettings(), description="The last slow and failed requests."
    )

    @field_validator("require_role", mode="before")
    @classmethod
    def _split_roles(cls, value: Any) -> Any:
        """A variable holds the roles with commas between them."""
        return tuple(r.strip() for r in value.split(",")) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def read_settings(configured: Any, environ: Mapping[str, str]) -> Settings:
    """The settings of *configured* (the parsed section, or None) and the environment.

    Raises:
        SettingsError: a key is unknown or a value is bad.
    """
    if configured is None:
        configured = {}
    if not isinstance(configured, Mapping):
        msg = f"{SECTION}: expected a mapping, got {type(configured).__name__}"
        raise SettingsError(msg)
    _check_variables(environ)
    try:
        return Settings(**{str(key): value for key, value in configured.items()})
    except ValidationError as error:
        raise SettingsError(_sentence(error, environ)) from error


def _check_variables(environ: Mapping[str, str]) -> None:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    for name in environ:
        if name.upper().startswith(ENV_PREFIX) and name.upper().split("__")[0] not in known:
            msg = f"{name}: unknown setting; known are {', '.join(sorted(known))}"
            raise SettingsError(msg)


def _sentence(error: ValidationError, environ: Mapping[str, str]) -> str:
    problem = error.errors()[0]
    name = ".".join(str(part) for part in problem["loc"])
    variable = ENV_PREFIX + name.upper().replace(".", "__")
    place = variable if variable in environ else f"{SECTION}.{name}"
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown setting; known are {', '.join(sorted(Settings.model_fields))}"
    return f"{place}: {problem['msg']}, got {problem['input']!r}"
