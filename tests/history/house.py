"""A proxy's state with its history, on a clock that tests turn."""

from __future__ import annotations

from pathlib import Path

from litellm_obs_plugin.history.archive import Archive
from litellm_obs_plugin.history.database import open_file
from litellm_obs_plugin.history.level import HOUR_S, MINUTE_S, STEP_S
from litellm_obs_plugin.history.spool import Spool
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.history.writer import Identity, Writer
from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.worker_file import WorkerFile

START = 1_750_000_000.0  # on a whole 10 s, not on a whole minute
KEEP_S = {STEP_S: 2 * HOUR_S, MINUTE_S: 7 * 24 * HOUR_S, HOUR_S: 400 * 24 * HOUR_S}


class House:
    """*now* is the wall clock, *awake_s* the monotonic one."""

    def __init__(self, directory: Path, name: str = "proxy") -> None:
        self.directory = directory
        self.name = name
        self.spool = Spool(limit_s=0.0)
        self.now = START
        self.awake_s = 1000.0
        self.start()

    def start(self) -> None:
        """A worker comes up, and with it a writer."""
        fleet.prepare(self.directory)
        self.file = WorkerFile.create(directory=self.directory, started_at=self.now)
        self.recorder = Recorder(self.file)
        self.fleet = Fleet(self.directory, clock=lambda: self.now, pause=lambda: None)
        self.store = Store(open_file(self.directory))
        self.writer = Writer(
            store=self.store,
            read=self.fleet.read,
            identity=Identity(name=self.name, host="here"),
            keep_s=KEEP_S,
            spool=self.spool,
            monotonic=lambda: self.awake_s,
        )
        self.archive = Archive(store=self.store, name=self.name)

    def stop(self) -> None:
        self.file.close()
        self.fleet.close()
        self.store.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def sleep(self, seconds: float) -> None:
        """Time passes while all is awake."""
        self.now += seconds
        self.awake_s += seconds

    def count(self, *values: float) -> None:
        """Finished requests, of these durations."""
        for value in values:
            self.recorder.count("requests_total", "chat", "chat", "false", "success")
            self.recorder.count("cost_usd_total", "chat", "openai", "m", "input", value=value / 7)
            self.recorder.count("request_duration_seconds", "chat", "false", "success", value=value)

    def write(self) -> None:
        self.writer.write()
        self.writer.tidy(self.now)

    def read(self, seconds: float, *, until: float = 0.0, **how):
        """The last *seconds*, until *until* seconds ago."""
        end = self.now - until
        return self.archive.read(start=end - seconds, end=end, live=self.fleet.read(), **how)

    def window(self, seconds: float, *, until: float = 0.0):
        return self.read(seconds, until=until).snapshot(self.fleet.read())
