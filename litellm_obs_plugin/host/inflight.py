"""How many requests are under way, by the model group that was tried first."""

from collections import Counter
from dataclasses import dataclass, field

from litellm_obs_plugin.host.meter import Meter
from litellm_obs_plugin.host.tracker import Tracker


@dataclass(slots=True, kw_only=True)
class InflightMeter:
    """Sets the gauge when asked; a group that has gone quiet is set to zero."""

    tracker: Tracker
    meter: Meter
    _shown: set[str] = field(default_factory=set)

    def show(self) -> None:
        """Set the gauge of every group that has, or had, requests under way."""
        open_now = Counter(self.tracker.open_groups())
        for group in self._shown | open_now.keys():
            self.meter.set("inflight_requests", group, value=float(open_now[group]))
        self._shown |= open_now.keys()
