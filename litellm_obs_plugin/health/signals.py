"""What a verdict rests on: live traffic, circuits, probes, LiteLLM's own background checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from litellm_obs_plugin.health.finding import Probed


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Attempts of some time. *failures* by error type, without those that the caller caused."""

    successes: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    @property
    def attempts(self) -> int:
        return self.successes + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Attempts of the whole window and of its latest part. *age_s*: since the last one."""

    window: Counts
    recent: Counts
    window_s: float
    recent_s: float
    age_s: float | None = None

    @property
    def is_stale(self) -> bool:
        """Nothing was tried lately, so things may have changed."""
        return self.age_s is None or self.age_s > self.recent_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """In how many of the workers the deployment rests."""

    open_workers: int
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """The last of LiteLLM's own checks, which are LLM calls that the operator has switched on."""

    healthy: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """All that is known of one deployment; None: nothing."""

    traffic: Traffic | None = None
    circuit: Circuit | None = None
    probe: Probed | None = None
    background: Background | None = None
