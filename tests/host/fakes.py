"""Stand-ins for what the host's rooms talk to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.host.callback import ObsCallback
from litellm_obs_plugin.host.circuits import CircuitWatch
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.headers import HeaderWriter
from litellm_obs_plugin.host.inflight import InflightMeter
from litellm_obs_plugin.host.observer import Observer
from litellm_obs_plugin.host.tracker import Tracker
from litellm_obs_plugin.record import CircuitChange, Request

NOW = 1_795_491_000.0


@dataclass
class FakeClock:
    """Stands still until told."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now

    def set(self, now: float) -> None:
        self.now = now


@dataclass
class FakeNames:
    """The router of tests/proxy/proxy_config.yaml; models and prices are LiteLLM's own."""

    groups: dict[str, str] = field(
        default_factory=lambda: {
            **{f"dep-{name}": name for name in ("chat", "backup", "primary", "claude", "embed")},
            **{f"dep-{name}": name for name in ("closed", "impatient", "fragile")},
            "dep-wild": "wild/*",
        }
    )

    def is_model_group(self, name: str) -> bool:
        return name in self.groups.values()

    def canonical_group(self, name: str) -> str:
        return name

    def deployments(self) -> list[Any]:
        return []

    def deployment_group(self, deployment_id: str) -> str | None:
        return self.groups.get(deployment_id)

    def split_model(self, model: str, **known: Any) -> tuple[str, str | None]:
        return compat.split_model(model, **known)

    def model_price(self, key: str) -> Any:
        return compat.model_price(key)


@dataclass
class FakeMeter:
    """Counters and gauges as a dictionary."""

    values: dict[tuple[str, ...], float] = field(default_factory=dict)

    def count(self, name: str, *labels: str, value: float = 1.0) -> None:
        key = (name, *map(str, labels))
        self.values[key] = self.values.get(key, 0.0) + value

    def set(self, name: str, *labels: str, value: float) -> None:
        self.values[(name, *map(str, labels))] = value


@dataclass
class House:
    """A callback with all behind it, down to the sink."""

    clock: FakeClock = field(default_factory=FakeClock)
    monotonic: FakeClock = field(default_factory=FakeClock)
    requests: list[Request] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    changes: list[CircuitChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracker = Tracker(
            emit=self.requests.append, dropped=self.dropped.append, clock=self.clock
        )
        directory = Directory(FakeNames())
        self.answers = Answers()
        self.meter = FakeMeter()
        self.circuits = CircuitWatch(
            directory=directory,
            meter=self.meter,
            changed=self.changes.append,
            clock=self.clock,
        )
        self.callback = ObsCallback(
            observer=Observer(tracker=self.tracker, directory=directory, clock=self.clock),
            headers=HeaderWriter(
                tracker=self.tracker, answers=self.answers, directory=directory, clock=self.clock
            ),
            circuits=self.circuits,
            inflight=InflightMeter(tracker=self.tracker, meter=self.meter),
            count_error=self.errors.append,
            monotonic=self.monotonic,
        )
