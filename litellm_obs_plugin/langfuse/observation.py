"""What one trace is made of, in Langfuse's words. Values only; :mod:`encode` writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Plain = str | int | float | bool


class Kind(StrEnum):
    """The types of observation that we send."""

    SPAN = "span"
    GENERATION = "generation"
    EVENT = "event"


class Level(StrEnum):
    DEFAULT = "DEFAULT"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(slots=True, kw_only=True)
class Observation:
    """Times are seconds since the epoch. *cost_usd* and *usage*, when given, carry ``total``."""

    id: bytes
    parent: bytes | None
    kind: Kind
    name: str
    started_at: float
    ended_at: float
    level: Level = Level.DEFAULT
    status_message: str = ""
    model: str | None = None
    parameters: Mapping[str, Plain] | None = None
    usage: Mapping[str, int] | None = None
    cost_usd: Mapping[str, float] | None = None
    first_token_at: float | None = None
    input: str | None = None
    output: str | None = None
    metadata: Mapping[str, Plain]


@dataclass(slots=True, kw_only=True)
class Tree:
    """One request. The first observation is the root; what is beside the list stands on each."""

    trace_id: str
    name: str | None
    user: str | None = None
    session: str | None = None
    tags: tuple[str, ...] = ()
    environment: str | None = None
    release: str | None = None
    version: str | None = None
    observations: list[Observation]
