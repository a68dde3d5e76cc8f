from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from litellm_obs_plugin.langfuse.tracer import Plan, Tracer
from litellm_obs_plugin.langfuse.tree import Stamp
from litellm_obs_plugin.record import Project
from tests.peers.langfuse_peer import LangfusePeer


@dataclass
class FakeMeter:
    """Counters and gauges as a dictionary."""

    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def count(self, name: str, *labels: str, value: float = 1.0) -> None:
        key = (name, *labels)
        self.values[key] = self.values.get(key, 0.0) + value

    def set(self, name: str, *labels: str, value: float) -> None:
        self.values[(name, *labels)] = value

    def results(self) -> dict[str, float]:
        """Observations by what became of them."""
        name = "langfuse_observations_total"
        return {key[1]: value for key, value in self.values.items() if key[0] == name}


@pytest.fixture
def peer() -> Iterator[LangfusePeer]:
    with LangfusePeer() as running:
        yield running


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


@pytest.fixture
def start_tracer(peer, meter) -> Iterator[Callable[..., Tracer]]:
    """Starts tracers that send to the peer: ``(**changes of the plan) -> Tracer``."""
    started: list[Tracer] = []
    plan = Plan(
        project=Project(public_key="pk-test", secret_key="sk-test", host=peer.url),
        priced=True,
        stamp=Stamp(),
        version="1",
        sample_rate=1.0,
        mask=None,
        max_items=10_000,
        max_bytes=2**26,
        max_projects=2,
        interval_s=0.02,
        timeout_s=1.0,
        shutdown_s=3.0,
    )

    def start(**changed) -> Tracer:
        started.append(Tracer(replace(plan, **changed), meter=meter))
        return started[-1]

    yield start
    peer.recover()
    for tracer in started:
        tracer.close()


@pytest.fixture
def now() -> Callable[[], float]:
    return time.monotonic
