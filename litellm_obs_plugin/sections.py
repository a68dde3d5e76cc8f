"""The sections of the settings."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


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
