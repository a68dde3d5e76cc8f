"""Whether the metrics state can be written, and when it was last scraped."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from litellm_obs_plugin.health.component import StateFacts

_SCRAPED = "scraped"


class StateFiles:
    """The state directory as far as health is concerned. *is_recording*: this worker writes."""

    def __init__(self, directory: Path, *, is_recording: Callable[[], bool]) -> None:
        self._directory = directory
        self._is_recording = is_recording

    def mark_scraped(self) -> None:
        """Note, for all workers, that somebody has read ``/metrics`` just now."""
        with suppress(OSError):  # then there are worse problems, and they are told elsewhere
            (self._directory / _SCRAPED).touch(mode=0o600)

    def facts(self) -> StateFacts:
        """How the directory is now."""
        problem = ""
        if not self._is_recording():
            problem = "this worker does not record"
        elif not os.access(self._directory, os.W_OK):
            problem = f"{self._directory} cannot be written"
        try:
            scraped_at = (self._directory / _SCRAPED).stat().st_mtime
        except OSError:
            scraped_at = None
        return StateFacts(problem=problem, scraped_at=scraped_at)
