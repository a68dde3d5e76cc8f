"""Settings: ``callback_settings.litellm_obs`` in the proxy's configuration, or ``LITELLM_OBS_*``.

Checked once, at start. A variable wins over the configuration file; an empty one counts as unset.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from litellm_obs_plugin.langfuse_settings import USUAL_VARIABLES, LangfuseSettings
from litellm_obs_plugin.sections import HealthSettings, HistorySettings, SloSettings, check_names

SECTION = "callback_settings.litellm_obs"
ENV_PREFIX = "LITELLM_OBS_"

_LABELS = frozenset({"team", "key", "deployment", "tag"})

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
    keep: int = Field(
        default=20_000,
        ge=1,
        le=1_000_000,
        description="Requests kept in the history's file, at about 1 kB each.",
    )
    keep_days: float = Field(
        default=7, gt=0, le=400, description="Days that a request is kept there at most."
    )

    @property
    def keep_s(self) -> float:
        return self.keep_days * 86_400


class BudgetSettings(BaseModel):
    """Dollars per calendar period for a part of the traffic."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    usd: float = Field(gt=0, allow_inf_nan=False)
    period: Literal["day", "week", "month"] = "month"
    scope: Mapping[Literal["team", "key", "tag", "model", "provider"], str] = Field(
        default_factory=dict
    )


class Settings(BaseModel):
    """Every setting has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
    require_role: tuple[str, ...] = Field(
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
    labels: tuple[str, ...] = Field(
        default=(),
        description="Optional families of the page: `team`, `key`, `tag` or `tag:<name>`, "
        "`deployment`. The JSON has them always.",
    )
    gen_ai_compat: bool = Field(
        default=False,
        description="Whether the page has OpenTelemetry's four GenAI histograms, too.",
    )
    response_headers: bool = Field(
        default=True, description="Whether answers carry `x-gateway-*` and `Server-Timing`."
    )
    budgets: tuple[BudgetSettings, ...] = Field(
        default=(),
        max_length=50,
        description="List of `{name, usd, period, scope}`; period is day, week or month (UTC), "
        "scope any of team, key, tag, model, provider.",
    )
    slo: tuple[SloSettings, ...] = Field(
        default=(),
        max_length=20,
        description="List of `{name, objective, kind, threshold_ms, models}`; see docs/slo.md.",
    )
    ledger: LedgerSettings = Field(
        default=LedgerSettings(), description="The last slow and failed requests."
    )

    langfuse: LangfuseSettings = Field(
        default=LangfuseSettings(), description="Traces in Langfuse; see docs/langfuse.md."
    )
    replace_health: bool = Field(
        default=False,
        description="Whether `GET /health` is ours, too. LiteLLM's own calls every model.",
    )
    health: HealthSettings = Field(
        default=HealthSettings(), description="Free probes of the providers."
    )
    history: HistorySettings = Field(
        default=HistorySettings(), description="Windows, steps and the time before a restart."
    )

    @field_validator("require_role", "labels", mode="before")
    @classmethod
    def _split_list(cls, value: Any) -> Any:
        """Text holds the entries with commas between them."""
        if not isinstance(value, str):
            return value
        return tuple(one for part in value.split(",") if (one := part.strip()))

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one not in _LABELS and not re.fullmatch(r"tag:\S+", one):
                msg = "expected team, key, deployment, tag or tag:<name>"
                raise ValueError(msg)
        return value

    @field_validator("slo")
    @classmethod
    def _check_slo(cls, value: tuple[SloSettings, ...]) -> tuple[SloSettings, ...]:
        check_names(one.name for one in value)
        return value

    @field_validator("state_dir")
    @classmethod
    def _expand_home(cls, value: Path | None) -> Path | None:
        return Path(os.path.expanduser(value)) if value is not None else None


def read_settings(configured: Any, environ: Mapping[str, str]) -> Settings:
    """The settings of *configured* (the parsed section, or None) and the variables in *environ*.

    Raises:
        SettingsError: a key is unknown or a value is bad.
    """
    if configured is None:
        configured = {}
    if not isinstance(configured, Mapping):
        msg = f"{SECTION}: expected a mapping, got {type(configured).__name__}"
        raise SettingsError(msg)
    variables = {
        name: raw for name, raw in environ.items() if raw and name.upper().startswith(ENV_PREFIX)
    }
    values = _copy(configured)
    for name, raw in variables.items():
        _set(values, _path_of(name), _parsed(name, raw))
    variables |= _set_usual(values, environ)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, variables)) from error


def _copy(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): _copy(v) if isinstance(v, Mapping) else v for k, v in values.items()}


def _set_usual(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Take what Langfuse's own variables say and nothing else does; those that were taken."""
    section = values["langfuse"] = values.get("langfuse") or {}
    taken: dict[str, str] = {}
    if not isinstance(section, dict):
        return taken
    for name, field in USUAL_VARIABLES.items():
        if environ.get(name) and section.get(field) is None:
            section[field] = taken[name] = environ[name]
    if environ.get("LANGFUSE_TRACING_ENABLED", "").lower() in ("false", "0"):
        section.setdefault("mode", "off")
    return taken


def _path_of(variable: str) -> list[str]:
    """``LITELLM_OBS_LEDGER__SIZE`` -> ``["ledger", "size"]``."""
    if variable in USUAL_VARIABLES:
        return ["langfuse", USUAL_VARIABLES[variable]]
    return variable[len(ENV_PREFIX) :].lower().split("__")


def _parsed(name: str, raw: str) -> Any:
    """Lists and sections are written as JSON; the fields parse other text themselves."""
    if not raw.startswith(("[", "{")):
        return raw
    try:
        return json.loads(raw)
    except ValueError as error:
        msg = f"{name}: expected JSON, got {raw!r}"
        raise SettingsError(msg) from error


def _set(values: dict[str, Any], path: list[str], value: Any) -> None:
    *sections, last = path
    for section in sections:
        if not isinstance(values.get(section), dict):
            values[section] = {}
        values = values[section]
    values[last] = value


def _sentence(error: ValidationError, variables: Iterable[str]) -> str:
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    told_by = (name for name in variables if _overlap(_path_of(name), path))
    place = next(told_by, f"{SECTION}.{'.'.join(path)}")
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown setting; known are {', '.join(_known_beside(path))}"
    came = re.sub(r"://[^@/]*@", "://…@", repr(problem["input"]))  # no password in a log
    return f"{place}: {problem['msg']}, got {came}"


def _overlap(some: list[str], other: list[str]) -> bool:
    """Whether one path leads to the other."""
    return all(a == b for a, b in zip(some, other, strict=False))


def _known_beside(path: list[str]) -> list[str]:
    """The names that the last one of *path* is not among."""
    section: Any = Settings()
    for name in path[:-1]:
        section = getattr(section, name, section)
    return sorted(getattr(type(section), "model_fields", Settings.model_fields))
