"""Where a finished request leaves the host: completed once, then given to everyone who records."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from litellm_obs_plugin.host import failover
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.record import Request

_TIMED_EVERY = 64


class Sink(Protocol):
    """Takes finished requests. On the proxy's event loop: memory only."""

    def record(self, request: Request) -> None: ...


class Traces(Sink, Protocol):
    """Takes requests with their details; knows where the trace of one can be seen."""

    def url_of(self, request: Request) -> str | None: ...


class Publisher:
    """Adds what only the whole request can tell, then passes it on in order.

    The details, which may hold prompts and answers, are for *traces* alone.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        sinks: Sequence[Sink],
        timed: Callable[[float], None],
        traces: Traces | None = None,
    ) -> None:
        """*timed* gets the seconds that one in 64 took."""
        self._directory = directory
        self._sinks = tuple(sinks)
        self._traces = traces
        self._timed = timed
        self._published = 0

    def publish(self, request: Request) -> None:
        """Complete *request* and pass it on."""
        self._published += 1
        if self._published % _TIMED_EVERY:
            self._pass_on(request)
            return
        begun_s = time.perf_counter()
        self._pass_on(request)
        self._timed(time.perf_counter() - begun_s)

    def _pass_on(self, request: Request) -> None:
        failovers = failover.read_failovers(
            request,
            first_choice=self._directory.first_choice,
            price_tokens=self._directory.price_tokens,
        )
        done = replace(request, failovers=failovers) if failovers else request
        shown = done
        details = done.details
        traces = self._traces if details is None or not details.private else None
        if traces is not None:
            shown = replace(done, details=None, trace_url=traces.url_of(done))
        elif details is not None:
            shown = replace(done, details=None)
        for sink in self._sinks:
            sink.record(shown)
        if traces is not None:
            traces.record(done)
