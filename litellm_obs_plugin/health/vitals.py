"""What the health of a gateway asks of its host, and what the host answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from litellm_obs_plugin.health.signals import Background
from litellm_obs_plugin.health.target import Target

NOT_CONFIGURED = "not configured"
CONNECTED = "connected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """LiteLLM as it sees itself. *database* and *redis* are its own words for them."""

    litellm_version: str
    has_router: bool
    missing_names: Sequence[str] = ()
    database: str = NOT_CONFIGURED
    needs_database: bool = True
    redis: str = NOT_CONFIGURED
    shutting_down: bool = False
    background: Mapping[str, Background] = field(default_factory=dict)

    @property
    def has_database(self) -> bool:
        """Whether what requests need of the database is there."""
        return self.database in (NOT_CONFIGURED, CONNECTED) or not self.needs_database

    @property
    def can_serve(self) -> bool:
        """Whether this process can serve, however its providers are."""
        return self.has_router and self.has_database and not self.shutting_down


class Host(Protocol):
    """The proxy that this worker runs in."""

    def targets(self) -> Sequence[Target]: ...
    async def vitals(self) -> Vitals: ...
