"""The last minutes of what all workers counted, sampled from snapshots. Memory only."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from litellm_obs_plugin.health.signals import Counts, Traffic
from litellm_obs_plugin.health.verdict import CALLER_ERRORS
from litellm_obs_plugin.metrics.catalog import BY_NAME
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Outcome

Key = tuple[str, str, str]  # model group, provider, model
TOTALS = ("plugin_events_dropped_total", "plugin_errors_total", "series_overflow_total")

_NAMES = BY_NAME["attempts_total"].labels
_KEY = tuple(map(_NAMES.index, ("model_group", "provider", "model")))
_OUTCOME, _ERROR_TYPE = _NAMES.index("outcome"), _NAMES.index("error_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Totals since recording began, at one instant."""

    at: float
    attempts: Mapping[Key, Counts]
    totals: Mapping[str, float]
    lag: Sketch | None


def sample_of(snapshot: Snapshot, before: Sample | None = None) -> Sample:
    """What *snapshot* counted; what did not change is shared with *before*."""
    known = before.attempts if before is not None else {}
    attempts = {}
    for key, counts in _count_attempts(snapshot).items():
        attempts[key] = known[key] if known.get(key) == counts else counts
    return Sample(
        at=snapshot.taken_at,
        attempts=attempts,
        totals={name: snapshot.total(name) for name in TOTALS},
        lag=snapshot.sketch("event_loop_lag_seconds"),
    )


def _count_attempts(snapshot: Snapshot) -> dict[Key, Counts]:
    successes: dict[Key, int] = {}
    failures: dict[Key, dict[str, int]] = {}
    for labels, value in snapshot.numbers("attempts_total"):
        key: Key = (labels[_KEY[0]], labels[_KEY[1]], labels[_KEY[2]])
        error_type = labels[_ERROR_TYPE]
        if labels[_OUTCOME] == Outcome.SUCCESS:
            successes[key] = successes.get(key, 0) + round(value)
        elif labels[_OUTCOME] == Outcome.ERROR and error_type not in CALLER_ERRORS:
            of_key = failures.setdefault(key, {})
            of_key[error_type] = of_key.get(error_type, 0) + round(value)
    return {
        key: Counts(successes=successes.get(key, 0), failures=failures.get(key, {}))
        for key in successes.keys() | failures.keys()
    }


@dataclass(slots=True, kw_only=True)
class Ring:
    """Samples of *window_s* seconds, about *period_s* apart; the newest is always kept.

    Of what was counted before the first sample nothing is known.
    """

    window_s: float
    recent_s: float
    period_s: float
    _samples: deque[Sample] = field(default_factory=deque)
    _newest: Sample | None = None
    _changed_at: dict[Key, float] = field(default_factory=dict)

    def add(self, snapshot: Snapshot) -> None:
        before = self._newest
        sample = sample_of(snapshot, before)
        if before is not None:
            for key, counts in sample.attempts.items():
                if counts != before.attempts.get(key):
                    self._changed_at[key] = sample.at
        self._newest = sample
        if not self._samples or sample.at - self._samples[-1].at >= self.period_s * 0.9:
            self._samples.append(sample)
        while len(self._samples) > 1 and self._samples[1].at <= sample.at - self.window_s:
            self._samples.popleft()

    def traffic(self, wanted: Callable[[Key], bool]) -> Traffic | None:
        """Attempts of the keys that are *wanted*; None before the first sample."""
        newest = self._newest
        if newest is None:
            return None
        keys = [key for key in newest.attempts if wanted(key)]
        whole, recent = self._baseline(self.window_s), self._baseline(self.recent_s)
        changes = [self._changed_at[key] for key in keys if key in self._changed_at]
        return Traffic(
            window=_since(whole, newest, keys),
            recent=_since(recent, newest, keys),
            window_s=newest.at - whole.at,
            recent_s=self.recent_s,
            age_s=newest.at - max(changes) if changes else None,
        )

    def providers(self) -> set[str]:
        """Who was called within the window."""
        newest = self._newest
        if newest is None:
            return set()
        start = newest.at - self.window_s
        return {key[1] for key, at in self._changed_at.items() if at >= start}

    def increase(self, name: str) -> float:
        """How much one of :data:`TOTALS` rose within the window."""
        if self._newest is None:
            return 0.0
        return max(self._newest.totals[name] - self._baseline(self.window_s).totals[name], 0.0)

    def lag(self) -> Sketch | None:
        """The event loops' lag within the window."""
        newest = self._newest.lag if self._newest is not None else None
        if newest is None:
            return None
        before = self._baseline(self.window_s).lag
        if before is None or not bool((newest.bins >= before.bins).all()):
            return newest
        return newest.minus(before)

    def _baseline(self, seconds: float) -> Sample:
        """The last sample that is at least *seconds* old, else the oldest."""
        assert self._newest is not None, "asked before the first sample"
        start = self._newest.at - seconds
        older = [sample for sample in self._samples if sample.at <= start]
        return older[-1] if older else self._samples[0]


def _since(earlier: Sample, later: Sample, keys: list[Key]) -> Counts:
    """What was counted between them. A count that fell has started anew."""
    successes, failures = 0, dict[str, int]()
    for key in keys:
        old, new = earlier.attempts.get(key, Counts()), later.attempts[key]
        successes += _risen(new.successes, old.successes)
        for kind, n in new.failures.items():
            failures[kind] = failures.get(kind, 0) + _risen(n, old.failures.get(kind, 0))
    return Counts(successes=successes, failures={k: n for k, n in failures.items() if n})


def _risen(new: int, old: int) -> int:
    return new - old if new >= old else new
