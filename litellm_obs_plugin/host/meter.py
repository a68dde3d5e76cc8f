"""The seam between the host's watchers and the metrics state."""

from typing import Protocol


class Meter(Protocol):
    """Counts by name; :class:`metrics.recorder.Recorder` is one."""

    def count(self, name: str, *labels: str, value: float = 1.0) -> None: ...
    def set(self, name: str, *labels: str, value: float) -> None: ...
