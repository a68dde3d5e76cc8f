"""LiteLLM's cooldowns as circuits: a deployment that rests is an open circuit.

LiteLLM tells of no entry and no exit. Entries are heard by wrapping the function it calls then
(:func:`compat.on_cooldown`), exits and entries by other workers that share a Redis are seen by
looking at its cooldown cache once a second.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.failures import type_of_status
from litellm_obs_plugin.host.meter import Meter
from litellm_obs_plugin.host.payload import mapping, seconds, text
from litellm_obs_plugin.record import CircuitChange, CircuitState, Deployment, ErrorType


@dataclass(slots=True)
class _Open:
    deployment: Deployment
    reason: ErrorType
    recovers_at: float
    counted_until: float


class CircuitWatch:
    """The circuits as this worker sees them. Lives on the proxy's event loop: not thread-safe."""

    def __init__(
        self,
        *,
        directory: Directory,
        meter: Meter,
        changed: Callable[[CircuitChange], None],
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._meter = meter
        self._changed = changed
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._known: dict[str, Deployment] = {}

    def entered(self, event: Mapping[str, Any]) -> None:
        """A deployment rests from now on: *event* has LiteLLM's words for it."""
        deployment_id = text(event.get("deployment_id"))
        if deployment_id is None:
            return
        cooldown_s = seconds(event.get("cooldown_time")) or 0.0
        reason = type_of_status(event.get("exception_status"))
        self._opened(deployment_id, reason, recovers_at=self._clock() + cooldown_s)

    def look(
        self, deployments: list[Mapping[str, Any]], active: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Compare with the router's list and its cooldown cache, *active* by deployment id."""
        for entry in deployments:
            deployment_id = text(mapping(entry.get("model_info")).get("id"))
            if deployment_id is not None and deployment_id not in self._known:
                self._known[deployment_id] = self._directory.of_router(entry)
                self._show(self._known[deployment_id], CircuitState.CLOSED)
        for deployment_id, cooldown in active.items():
            started_at, lasts_s = (seconds(cooldown.get(k)) for k in ("timestamp", "cooldown_time"))
            recovers_at = (started_at or self._clock()) + (lasts_s or 0.0)
            reason = type_of_status(cooldown.get("status_code"))
            self._opened(deployment_id, reason, recovers_at=recovers_at)
        for deployment_id in [one for one in self._open if one not in active]:
            self._closed(deployment_id)
        for circuit in self._open.values():
            self._count_open_seconds(circuit, until=self._clock())

    def _opened(self, deployment_id: str, reason: ErrorType, *, recovers_at: float) -> None:
        now = self._clock()
        circuit = self._open.get(deployment_id)
        if circuit is not None:
            circuit.recovers_at = max(circuit.recovers_at, recovers_at)
            return
        deployment = self._known.get(deployment_id)
        if deployment is None or recovers_at <= now:
            return
        self._open[deployment_id] = _Open(deployment, reason, recovers_at, now)
        self._change(deployment, CircuitState.OPEN, reason, at=now, recovers_at=recovers_at)

    def _closed(self, deployment_id: str) -> None:
        circuit = self._open.pop(deployment_id)
        closed_at = min(self._clock(), circuit.recovers_at)
        self._count_open_seconds(circuit, until=closed_at)
        self._change(circuit.deployment, CircuitState.CLOSED, circuit.reason, at=closed_at)

    def _change(
        self,
        deployment: Deployment,
        state: CircuitState,
        reason: ErrorType,
        *,
        at: float,
        recovers_at: float | None = None,
    ) -> None:
        labels = (deployment.id, deployment.provider, state, reason)
        self._meter.count("circuit_transitions_total", *labels)
        self._show(deployment, state)
        self._changed(
            CircuitChange(
                deployment=deployment, state=state, at=at, reason=reason, recovers_at=recovers_at
            )
        )

    def _show(self, deployment: Deployment, state: CircuitState) -> None:
        labels = (deployment.id, deployment.model_group, deployment.provider)
        for one in CircuitState:
            self._meter.set("circuit_state", *labels, one, value=float(one is state))

    def _count_open_seconds(self, circuit: _Open, *, until: float) -> None:
        open_s = max(until - circuit.counted_until, 0.0)
        circuit.counted_until = max(until, circuit.counted_until)
        labels = (circuit.deployment.id, circuit.deployment.provider)
        self._meter.count("circuit_open_seconds_total", *labels, value=open_s)
