"""The composition root: Settings -> Plugin. Reading it is reading how the house fits together."""

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litellm_obs_plugin import __version__, routes
from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.address import default_state_dirs, read_address
from litellm_obs_plugin.host.callback import InertCallback, ObsCallback
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.observer import Observer
from litellm_obs_plugin.host.tracker import Tracker
from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.shared_reader import SharedReader
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.metrics.worker_file import WorkerFile
from litellm_obs_plugin.settings import Settings, read_settings

log = logging.getLogger(__name__)

SETTINGS_NAME = "litellm_obs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One worker's plugin: *callback* takes events in, *reader* shows what all workers counted."""

    callback: ObsCallback
    recorder: Recorder
    reader: SharedReader
    surfaces: routes.Surfaces
    state_dir: Path
    worker_file: WorkerFile

    def close(self) -> None:
        """Give up the worker's file; its counts stay."""
        self.reader.close()
        self.worker_file.close()


def build(settings: Settings, *, clock: Callable[[], float] = time.time) -> Plugin:
    """A plugin that shares nothing with another one but, perhaps, the state directory.

    Raises:
        OSError: the state directory cannot be used.
    """
    state_dir = _prepare_state(settings)
    worker_file = WorkerFile.create(directory=state_dir, started_at=clock())
    recorder = Recorder(worker_file, max_series=settings.max_series)

    def count_error(stage: str) -> None:
        recorder.count("plugin_errors_total", stage)

    def count_dropped(reason: str) -> None:
        recorder.count("plugin_events_dropped_total", reason)

    tracker = Tracker(emit=recorder.record, dropped=count_dropped, clock=clock)
    observer = Observer(tracker=tracker, directory=Directory(), clock=clock)
    reader = SharedReader(_snapshots(Fleet(state_dir, clock=clock)))
    return Plugin(
        callback=ObsCallback(observer=observer, count_error=count_error),
        recorder=recorder,
        reader=reader,
        surfaces=routes.Surfaces(
            reader=reader, roles=settings.require_role, count_error=count_error
        ),
        state_dir=state_dir,
        worker_file=worker_file,
    )


def build_in_proxy() -> ObsCallback | InertCallback:
    """The callback for the proxy that is starting; an inert one, and a log line, if that fails.

    An exception here would keep the whole proxy from starting.
    """
    try:
        configured = compat.callback_settings(SETTINGS_NAME)
        plugin = build(read_settings(configured, os.environ))
        routes.register(compat.proxy_app(), plugin.surfaces)
    except Exception as error:
        log.error("litellm_obs is off: %s", error)
        log.debug("litellm_obs is off", exc_info=error)
        return InertCallback()
    for name in compat.missing_names():
        log.warning("litellm_obs: this LiteLLM has no %s; some figures may be missing", name)
    log.info("litellm_obs %s is on; state in %s", __version__, plugin.state_dir)
    return plugin.callback


def _prepare_state(settings: Settings) -> Path:
    if settings.state_dir is not None:
        fleet.prepare(settings.state_dir)
        return settings.state_dir
    preferred, fallback = default_state_dirs(read_address(sys.argv, os.environ), os.environ)
    try:
        fleet.prepare(preferred)
    except OSError as error:
        log.warning("litellm_obs: %s; state goes to %s", error, fallback)
        fleet.prepare(fallback)
        return fallback
    return preferred


def _snapshots(state: Fleet) -> Callable[[], Snapshot]:
    """Reads of *state*, with the gauges that are known only when one looks."""
    versions = (__version__, compat.litellm_version())

    def read() -> Snapshot:
        snapshot = state.read()
        extra: dict[str, Any] = {
            "plugin_active_series": {(): float(len(snapshot))},
            "plugin_info": {versions: 1.0},
            "workers": {(): float(snapshot.workers)},
        }
        return snapshot.with_series(extra)

    return read
