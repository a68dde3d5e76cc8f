"""The sections of the settings."""

import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class HealthSettings(BaseModel):
    """How providers are looked at beside the traffic. It never costs an LLM call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval_s: float = Field(
        default=30, ge=1, le=3600, description="Seconds from one round of probes to the next."
    )
    timeout_s: float = Field(
        default=5, gt=0, le=60, description="Seconds that a provider has to answer a probe."
    )
    probe: Literal["http", "authenticated", "tcp", "off"] = Field(
        default="http",
        description="`http` asks for the list of models without a key, `authenticated` with it; "
        "`tcp` only connects.",
    )

    @field_validator("probe", mode="before")
    @classmethod
    def _read_off(cls, value: Any) -> Any:
        """YAML takes a bare ``off`` for false."""
        return "off" if value is False else value


class Retention(BaseModel):
    """For how long rows of each length are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    ten_seconds: str = Field(default="2h", alias="10s")
    minute: str = Field(default="7d", alias="1m")
    hour: str = Field(default="400d", alias="1h")

    @field_validator("ten_seconds", "minute", "hour")
    @classmethod
    def _check(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9]\d{0,5}[hd]", value):
            msg = "expected hours or days, such as 2h or 7d"
            raise ValueError(msg)
        return value

    def seconds(self) -> dict[int, float]:
        """By the length of a row in seconds."""
        values = {10: self.ten_seconds, 60: self.minute, 3600: self.hour}
        return {step_s: _seconds(text) for step_s, text in values.items()}


def _seconds(text: str) -> float:
    return float(text[:-1]) * {"h": 3600, "d": 86_400}[text[-1]]


class HistorySettings(BaseModel):
    """What was counted, over time: in an SQLite file in the state directory, and for a fleet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(default=True, description="Whether history is kept.")
    retention: Retention = Field(
        default=Retention(), description="How long rows of 10 s, 1 min and 1 h are kept."
    )
    url: str | None = Field(
        default=None,
        pattern=r"^postgres(ql)?(\+psycopg)?://",
        description="PostgreSQL database that the proxies of a fleet share, too.",
    )
    spool: str = Field(
        default="24h",
        pattern=r"^[1-9]\d{0,5}[hd]$",
        description="For how long rows wait on disk while that database is away.",
    )

    @property
    def spool_s(self) -> float:
        """Seconds that rows wait."""
        return _seconds(self.spool)


class SloSettings(BaseModel):
    """A share of the requests that is to be good."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    objective: float = Field(gt=0, lt=1)
    kind: Literal["availability", "latency"] = "availability"
    threshold_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    models: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_threshold(self) -> "SloSettings":
        if (self.kind == "latency") != (self.threshold_ms is not None):
            msg = "threshold_ms: expected with kind latency, and only there"
            raise ValueError(msg)
        return self


def check_names(names: Iterable[str]) -> None:
    """Raise unless all *names* differ.

    Raises:
        ValueError: one is there twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            msg = f"name: expected each once, {name!r} is there twice"
            raise ValueError(msg)
        seen.add(name)
