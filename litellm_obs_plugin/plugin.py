"""The composition root: Settings -> Plugin. Reading it is reading how the house fits together."""

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from litellm_obs_plugin import __version__
from litellm_obs_plugin.health.state_files import StateFiles
from litellm_obs_plugin.host import compat
from litellm_obs_plugin.host.address import read_address
from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.host.callback import InertCallback, ObsCallback, QuietCallback
from litellm_obs_plugin.host.circuits import CircuitWatch
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.headers import HeaderWriter
from litellm_obs_plugin.host.headroom import HeadroomMeter
from litellm_obs_plugin.host.inflight import InflightMeter
from litellm_obs_plugin.host.key_budgets import KeyBudgetMeter
from litellm_obs_plugin.host.observer import Observer
from litellm_obs_plugin.host.place import prepare_default
from litellm_obs_plugin.host.publisher import Publisher
from litellm_obs_plugin.host.registry import host_families
from litellm_obs_plugin.host.shutdown import on_shutdown
from litellm_obs_plugin.host.ticker import tick
from litellm_obs_plugin.host.tracker import Tracker
from litellm_obs_plugin.host.watch import build_monitor
from litellm_obs_plugin.keeping import LateKeeper, make_keeper, source_of
from litellm_obs_plugin.ledger.book import LedgerWriter
from litellm_obs_plugin.ledger.log import LoggedReader
from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.election import Election
from litellm_obs_plugin.metrics.fleet import Fleet
from litellm_obs_plugin.metrics.gen_ai import GenAiMeter
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.shared_reader import SharedReader
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.metrics.view import complete
from litellm_obs_plugin.metrics.worker_file import FileState, WorkerFile
from litellm_obs_plugin.promising import make_promises
from litellm_obs_plugin.reconciling import RATIO, Reconciler, build_reconciler
from litellm_obs_plugin.record import CircuitChange
from litellm_obs_plugin.routes.register import register
from litellm_obs_plugin.routes.surfaces import Surfaces
from litellm_obs_plugin.settings import Settings, read_settings
from litellm_obs_plugin.slo.budget import Budget, Period
from litellm_obs_plugin.slo.meter import BudgetMeter, with_budgets
from litellm_obs_plugin.slo.promises import ObjectiveMeter
from litellm_obs_plugin.tracing import Tracing, start_tracing

log = logging.getLogger(__name__)

SETTINGS_NAME = "litellm_obs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One worker's plugin: *callback* takes events in, *reader* shows what all workers counted."""

    callback: ObsCallback
    recorder: Recorder
    reader: SharedReader
    surfaces: Surfaces
    state_dir: Path
    worker_file: WorkerFile
    ledger: LedgerWriter
    tracing: Tracing
    reconciler: Reconciler
    history: LateKeeper | None

    async def tick(self) -> None:
        """What runs beside the requests, once a second, until cancelled."""
        await tick(
            lagged=partial(_observe, self.recorder, "event_loop_lag_seconds"),
            look=self.callback.look,
        )

    def close(self) -> None:
        """Send the last traces and give up the worker's file; its counts stay."""
        self.callback.settle()
        self.tracing.close()
        if self.history is not None:
            self.history.close()
        self.surfaces.health.close()
        self.reader.close()
        self.worker_file.close()
        self.ledger.close()


def build(settings: Settings, *, clock: Callable[[], float] = time.time) -> Plugin:
    """A plugin that shares nothing with another one but, perhaps, the state directory.

    Raises:
        OSError: the state directory cannot be used.
    """
    state_dir = _prepare_state(settings)
    worker_file = WorkerFile.create(directory=state_dir, started_at=clock())
    recorder = Recorder(worker_file, max_series=settings.max_series)
    ledger = LedgerWriter(
        directory=state_dir, size=settings.ledger.size, slow_s=settings.ledger.slow_ms / 1000
    )
    answers = Answers(settle=lambda: callback.settle())

    def count_error(stage: str) -> None:
        recorder.count("plugin_errors_total", stage)

    def count_dropped(reason: str) -> None:
        recorder.count("plugin_events_dropped_total", reason)

    tracing = start_tracing(settings.langfuse, meter=recorder, version=__version__)
    tracer, describer = tracing.tracer, tracing.describer

    def circuit_changed(change: CircuitChange) -> None:
        ledger.circuit_changed(change)
        if tracer is not None:
            tracer.circuit_changed(change)

    budgets = [
        Budget(
            name=b.name,
            usd=b.usd,
            period=Period(b.period),
            scope={str(k): v for k, v in b.scope.items()},
        )
        for b in settings.budgets
    ]
    keeper = make_keeper(
        settings.history,
        ledger=settings.ledger,
        state_dir=state_dir,
        meter=recorder,
        failed=count_error,
        clock=clock,
    )
    archive = keeper.archive if keeper is not None else lambda: None
    promises = make_promises(settings.slo, archive=archive, failed=count_error)
    objectives = ObjectiveMeter(objectives=promises.objectives, counter=recorder)
    spending = BudgetMeter(budgets=budgets, counter=recorder, clock=clock)
    directory = Directory()
    gen_ai = (GenAiMeter(counter=recorder),) if settings.gen_ai_compat else ()
    headroom = HeadroomMeter(meter=recorder, clock=clock)
    key_budgets = KeyBudgetMeter(meter=recorder, clock=clock)
    publisher = Publisher(
        directory=directory,
        sinks=(recorder, ledger, answers, headroom, spending, key_budgets, objectives, *gen_ai),
        timed=partial(_observe, recorder, "plugin_record_seconds"),
        traces=tracer,
    )
    tracker = Tracker(emit=publisher.publish, dropped=count_dropped, clock=clock)
    observer = Observer(tracker=tracker, directory=directory, clock=clock, describer=describer)
    inflight = InflightMeter(tracker=tracker, meter=recorder)
    circuits = CircuitWatch(
        directory=directory, meter=recorder, changed=circuit_changed, clock=clock
    )
    headers = HeaderWriter(
        tracker=tracker, answers=answers, directory=directory, clock=clock, describer=describer
    )
    snapshots = _snapshots(Fleet(state_dir, clock=clock), budgets, clock)
    reader = SharedReader(
        lambda: promises.show(snapshots().with_series(monitor.gauges())),
        settle=lambda: callback.settle(),
    )
    state_files = StateFiles(
        state_dir, is_recording=lambda: worker_file.state is not FileState.CLOSED
    )
    monitor = build_monitor(
        settings.health,
        state_dir=state_dir,
        state_files=state_files,
        directory=directory,
        reader=reader,
        sources={"langfuse": tracing, "history": source_of(keeper)},
        count_error=count_error,
        clock=clock,
        version=__version__,
    )

    reconciler = build_reconciler(
        settings.langfuse,
        tracing=tracing,
        election=Election(state_dir / "reconcile.lock"),
        reader=reader,
        show=partial(_set, recorder, RATIO),
        failed=count_error,
        clock=clock,
    )

    def note_scrape(seconds: float) -> None:
        _observe(recorder, "plugin_scrape_seconds", seconds)
        state_files.mark_scraped()

    make_callback = ObsCallback if settings.response_headers else QuietCallback
    callback = make_callback(
        observer=observer,
        headers=headers,
        circuits=circuits,
        inflight=inflight,
        count_error=count_error,
        is_awaited=answers.is_awaited,
    )
    return Plugin(
        callback=callback,
        recorder=recorder,
        reader=reader,
        surfaces=Surfaces(
            reader=reader,
            ledger=LoggedReader(
                state_dir,
                log=keeper.requests if keeper is not None else lambda: None,
                fleet_log=keeper.fleet_requests if keeper is not None else lambda: None,
                failed=count_error,
            ),
            answers=answers,
            archive=archive,
            fleet_archive=keeper.fleet_archive if keeper is not None else lambda: None,
            health=monitor,
            replace_health=settings.replace_health,
            roles=settings.require_role,
            schema=settings.histogram_schema,
            labels=settings.labels,
            host_families=host_families,
            count_error=count_error,
            scraped=note_scrape,
            budgets=budgets,
            promises=promises,
            reconciler=reconciler,
            clock=clock,
        ),
        reconciler=reconciler,
        state_dir=state_dir,
        worker_file=worker_file,
        ledger=ledger,
        tracing=tracing,
        history=keeper,
    )


def _observe(recorder: Recorder, name: str, value: float) -> None:
    recorder.count(name, value=value)


def _set(recorder: Recorder, name: str, value: float) -> None:
    recorder.set(name, value=value)


def build_in_proxy() -> ObsCallback | InertCallback:
    """The callback for the proxy that is starting; an inert one, and a log line, if that fails.

    An exception here would keep the whole proxy from starting.
    """
    try:
        configured = compat.callback_settings(SETTINGS_NAME)
        plugin = build(read_settings(configured, os.environ))
        register(compat.proxy_app(), plugin.surfaces)
        compat.on_cooldown(plugin.callback.circuit_entered)
        compat.keep_running(plugin.tick())
        on_shutdown(plugin.tracing.close, settle=plugin.callback.settle)
        if plugin.history is not None:
            plugin.history.start()
        compat.keep_running(plugin.surfaces.health.run())
        compat.keep_running(plugin.surfaces.health.run_probes())
        compat.keep_running(plugin.reconciler.run())
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
        fleet.prepare(settings.state_dir, max_series=settings.max_series)
        return settings.state_dir
    return prepare_default(read_address(sys.argv, os.environ), max_series=settings.max_series)


def _snapshots(
    state: Fleet, budgets: list[Budget], clock: Callable[[], float]
) -> Callable[[], Snapshot]:
    versions = (__version__, compat.litellm_version())

    def read() -> Snapshot:
        return with_budgets(complete(state.read(), versions=versions), budgets, now=clock())

    return read
