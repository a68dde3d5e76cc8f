"""The settings of Langfuse tracing, and the variables that Langfuse's own tools read."""

import re
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

DEFAULT_HOST = "https://cloud.langfuse.com"

# Read when the setting is given nowhere else; where two name the same, the first wins, as in
# LiteLLM's own callback.
USUAL_VARIABLES = MappingProxyType(
    {
        "LANGFUSE_PUBLIC_KEY": "public_key",
        "LANGFUSE_SECRET_KEY": "secret_key",
        "LANGFUSE_HOST": "host",
        "LANGFUSE_BASE_URL": "host",
        "LANGFUSE_TRACING_ENVIRONMENT": "environment",
        "LANGFUSE_RELEASE": "release",
        "LANGFUSE_SAMPLE_RATE": "sample_rate",
        "LANGFUSE_TIMEOUT": "timeout_s",
    }
)
_USER_INFO = re.compile(r"://[^/]*@")
_ENVIRONMENT = re.compile(r"(?!langfuse)[a-z0-9\-_]{1,40}")
_MASK = re.compile(r"\w+(\.\w+)+")


class Mode(StrEnum):
    """Who traces: we alone, we beside LiteLLM's own callback, or nobody."""

    AUTO = "auto"
    REPLACE = "replace"
    ENRICH = "enrich"
    OFF = "off"


class Capture(StrEnum):
    """How much of prompts and answers leaves the gateway."""

    NONE = "none"
    TRUNCATED = "truncated"
    FULL = "full"


def base_url(host: str) -> str:
    """*host* as LiteLLM reads it: without a scheme it is plain HTTP.

    A user and password in it would stand in links, and hide the project's keys from Langfuse.
    """
    address = host.strip().rstrip("/")
    if not address.startswith(("http://", "https://")):
        address = f"http://{address}"
    return _USER_INFO.sub("://", address)


class LangfuseSettings(BaseModel):
    """Where traces go, what they carry, and how much may wait."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Field(
        default=Mode.AUTO,
        description="`replace`: we trace. `enrich`: we add spans and events, without cost, to the "
        "traces of LiteLLM's own callback. `auto`: whichever fits; `off` without credentials.",
    )
    public_key: str | None = Field(default=None, description="The project's public key.")
    secret_key: SecretStr | None = Field(default=None, description="The project's secret key.")
    host: str = Field(default=DEFAULT_HOST, description="Langfuse's base URL.")
    environment: str | None = Field(default=None, description="Langfuse's environment.")
    release: str | None = Field(default=None, max_length=200, description="Langfuse's release.")
    sample_rate: float = Field(default=1.0, ge=0, le=1, description="Share of traces to send.")
    capture_io: Capture = Field(
        default=Capture.NONE, description="Whether prompts and answers are sent."
    )
    capture_chars: int = Field(
        default=2_000, ge=1, description="Characters of each that `truncated` keeps."
    )
    mask: str | None = Field(
        default=None,
        description="`module.function(data=…)`, called on each text before it leaves.",
    )
    queue_items: int = Field(default=10_000, ge=1, description="Traces that may wait.")
    queue_bytes: int = Field(default=64 * 2**20, ge=2**16, description="Bytes that may wait.")
    flush_interval_s: float = Field(default=1.0, gt=0, le=60, description="Pause between sends.")
    timeout_s: float = Field(default=5.0, gt=0, le=120, description="Of one request to Langfuse.")
    shutdown_s: float = Field(
        default=5.0, ge=0, le=60, description="How long a stopping proxy may send what waits."
    )
    max_projects: int = Field(
        default=20, ge=1, le=1_000, description="Further projects that keys and teams may name."
    )

    @field_validator("mode", mode="before")
    @classmethod
    def _read_off(cls, value: Any) -> Any:
        """In YAML a bare ``off`` is false."""
        return Mode.OFF if value is False else value

    @field_validator("host")
    @classmethod
    def _complete_host(cls, value: str) -> str:
        return base_url(value)

    @field_validator("environment")
    @classmethod
    def _check_environment(cls, value: str | None) -> str | None:
        """Langfuse files anything else under "default"."""
        if value is None or _ENVIRONMENT.fullmatch(value.lower()):
            return value.lower() if value is not None else None
        msg = "expected up to 40 of a-z, 0-9, - and _, not starting with 'langfuse'"
        raise ValueError(msg)

    @field_validator("mask")
    @classmethod
    def _check_mask(cls, value: str | None) -> str | None:
        if value is not None and not _MASK.fullmatch(value):
            msg = "expected module.function"
            raise ValueError(msg)
        return value
