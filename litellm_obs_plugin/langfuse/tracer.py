"""Langfuse tracing as one thing: finished requests go in, each to its project."""

import logging
import os
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from litellm_obs_plugin.langfuse.encode import encode
from litellm_obs_plugin.langfuse.ids import is_sampled, trace_id_of
from litellm_obs_plugin.langfuse.mask import Mask, mask_tree
from litellm_obs_plugin.langfuse.observation import Tree
from litellm_obs_plugin.langfuse.parcel import Parcel, wrap
from litellm_obs_plugin.langfuse.post import Post
from litellm_obs_plugin.langfuse.room import Room
from litellm_obs_plugin.langfuse.sink import Meter, Sink
from litellm_obs_plugin.langfuse.status import Status
from litellm_obs_plugin.langfuse.tree import Stamp, build_tree
from litellm_obs_plugin.record import CircuitChange, CircuitState, Outcome, Project, Request

log = logging.getLogger(__name__)

_KEPT_CIRCUITS = 100
_CIRCUIT_SLACK_S = 1.0  # LiteLLM opens a circuit in a task of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is fixed at start. *priced*: traces carry models, usage and cost."""

    project: Project
    priced: bool
    stamp: Stamp
    version: str
    sample_rate: float
    mask: Mask | None
    max_items: int
    max_bytes: int
    max_projects: int
    interval_s: float
    timeout_s: float
    shutdown_s: float


class Tracer:
    """Sends every sampled request as one trace. *record* is for one thread, the proxy's loop.

    In a forked child it begins anew: what waits in the parent is the parent's.
    """

    def __init__(self, plan: Plan, *, meter: Meter) -> None:
        self._plan = plan
        self._meter = meter
        self._begin()

    def _begin(self) -> None:
        plan = self._plan
        self._process = os.getpid()
        self._circuits: deque[CircuitChange] = deque(maxlen=_KEPT_CIRCUITS)
        self._room = Room(max_items=plan.max_items, max_bytes=plan.max_bytes)
        self._sinks: OrderedDict[Project, Sink] = OrderedDict()
        self._has_warned = False
        self._own = self._new_sink(plan.project)

    @property
    def project(self) -> Project:
        """The configured one."""
        return self._plan.project

    def record(self, request: Request) -> None:
        """Queue *request* for its project. Memory only."""
        if os.getpid() != self._process:
            self._begin()
        if not is_sampled(trace_id_of(request), rate=self._plan.sample_rate):
            return
        sink, parcel = self._sink_of(request), wrap(request)
        if sink is None:
            self._meter.count(
                "langfuse_observations_total", "too_many_projects", value=parcel.observations
            )
        else:
            sink.add(parcel)

    def url_of(self, request: Request) -> str | None:
        """Where the trace of *request* can be seen; None when it is not sent or not known."""
        trace_id = trace_id_of(request)
        if not is_sampled(trace_id, rate=self._plan.sample_rate):
            return None
        project = self._project_of(request)
        sink = self._own if project == self._plan.project else self._sinks.get(project)
        if sink is None or not sink.project_id:
            return None
        return f"{project.host}/project/{sink.project_id}/traces/{trace_id}"

    def circuit_changed(self, change: CircuitChange) -> None:
        """Note an opened circuit, for the trace of the request that opened it."""
        if change.state is CircuitState.OPEN:
            self._circuits.append(change)

    def status(self) -> Status:
        """Of the configured project."""
        return self._own.status()

    def close(self) -> None:
        """Send what waits, within the time that settings allow. Blocks; not for the loop."""
        until = time.monotonic() + self._plan.shutdown_s
        for sink in (self._own, *self._sinks.values()):
            sink.close(until=until)

    def _project_of(self, request: Request) -> Project:
        named = request.details.project if request.details is not None else None
        if named is None:
            return self._plan.project
        return named if named.host else replace(named, host=self._plan.project.host)

    def _sink_of(self, request: Request) -> Sink | None:
        project = self._project_of(request)
        if project == self._plan.project:
            return self._own
        known = self._sinks.get(project)
        if known is not None:
            self._sinks.move_to_end(project)
            return known
        if len(self._sinks) >= self._plan.max_projects and not self._retire_one():
            return None
        new = self._sinks[project] = self._new_sink(project)
        return new

    def _retire_one(self) -> bool:
        """Give up the idle project that was used longest ago; False when none is idle."""
        idle = next((p for p, sink in self._sinks.items() if sink.is_idle), None)
        if idle is not None:
            self._sinks.pop(idle).retire()
        elif not self._has_warned:
            self._has_warned = True
            log.warning("litellm_obs: more than langfuse.max_projects projects; some get no traces")
        return idle is not None

    def _new_sink(self, project: Project) -> Sink:
        plan = self._plan
        return Sink(
            connect=partial(Post, project=project, version=plan.version, timeout_s=plan.timeout_s),
            pack=self._pack,
            room=self._room,
            meter=self._meter,
            interval_s=plan.interval_s,
        )

    def _pack(self, parcels: Sequence[Parcel]) -> bytes:
        return encode(self._trees(parcels), version=self._plan.version)

    def _trees(self, parcels: Sequence[Parcel]) -> Iterator[Tree]:
        for parcel in parcels:
            request = parcel.request
            joined = request.details is not None and request.details.joined
            tree = build_tree(
                request,
                stamp=self._plan.stamp,
                circuits=self._opened_by(request),
                priced=self._plan.priced and not joined,
            )
            yield mask_tree(tree, self._plan.mask) if self._plan.mask is not None else tree
            time.sleep(0)  # let the proxy's loop have its turn

    def _opened_by(self, request: Request) -> tuple[CircuitChange, ...]:
        """The circuits that opened in the course of an attempt of *request* that failed."""
        failed = [a for a in request.attempts if a.outcome is Outcome.ERROR]
        if not failed or not self._circuits:
            return ()
        ended_at = request.received_at + (request.duration_s or 0.0) + _CIRCUIT_SLACK_S
        starts = {a.deployment.id: a.started_at for a in reversed(failed)}
        return tuple(
            change
            for change in tuple(self._circuits)
            if starts.get(change.deployment.id, ended_at) <= change.at <= ended_at
        )
