"""Where a finished request leaves the host: completed once, then given to everyone who records."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from litellm_obs_plugin.host import failover
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.record import Request


class Sink(Protocol):
    """Takes finished requests. On the proxy's event loop: memory only."""

    def record(self, request: Request) -> None: ...


class Publisher:
    """Adds what only the whole request can tell, then passes it on in order."""

    def __init__(self, *, directory: Directory, sinks: Sequence[Sink]) -> None:
        self._directory = directory
        self._sinks = tuple(sinks)

    def publish(self, request: Request) -> None:
        failovers = failover.read_failovers(
            request,
            first_choice=self._directory.first_choice,
            price_tokens=self._directory.price_tokens,
        )
        done = replace(request, failovers=failovers) if failovers else request
        for sink in self._sinks:
            sink.record(done)
