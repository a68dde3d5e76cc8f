"""What was counted in a window of the past, and whoever can tell it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from litellm_obs_plugin.history.columns import Columns
from litellm_obs_plugin.history.interval import Interval
from litellm_obs_plugin.history.rollup import to_series
from litellm_obs_plugin.metrics.catalog import BY_NAME, Kind
from litellm_obs_plugin.metrics.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """An instance of a fleet: its counts before *ready* are in, of *covered_s* of the window."""

    name: str
    host: str
    ready: float
    covered_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was counted from *start* to *end*, and what of that time was watched.

    *fit_s*: the shortest step that all rows fit into.
    """

    start: float
    end: float
    columns: Columns
    intervals: tuple[Interval, ...]
    fit_s: int
    instances: tuple[Watch, ...] = ()

    @property
    def covered_s(self) -> float:
        """Seconds of the window that were watched; of several instances their mean."""
        watched_s = sum(one.covered_s for one in self.intervals)
        return min(watched_s / max(len(self.instances), 1), self.end - self.start)

    def snapshot(self, live: Snapshot) -> Snapshot:
        """The window's counts, with the gauges of *live*: how things stand now."""
        gauges = {
            name: series
            for name, series in live.series.items()
            if name not in BY_NAME or BY_NAME[name].kind is Kind.GAUGE
        }
        return Snapshot(
            started_at=self.start,
            taken_at=self.end,
            workers=live.workers,
            damaged_files=live.damaged_files,
            series={**gauges, **to_series(self.columns)},
        )


class PastReader(Protocol):
    """Tells any window: of one proxy, or of all that share a database."""

    def read(
        self,
        *,
        start: float,
        end: float,
        live: Snapshot,
        step_s: int | None = None,
        metrics: Collection[str] | None = None,
    ) -> Past:
        """The window from *start* to *end*, seconds since the epoch; *live* is what stands now.

        With *step_s* of rows no longer than that, as far as there are such; of all *metrics*, or of
        some.

        Raises:
            HistoryError: the history cannot be read.
        """
