"""Whether requests are traced, and by what. Langfuse and protobuf load here, if at all."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from litellm_obs_plugin.health.component import ComponentState, NotConfigured
from litellm_obs_plugin.health.monitor import WINDOW_S
from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.host import neighbour
from litellm_obs_plugin.host.details import Describer
from litellm_obs_plugin.langfuse.choice import Choice, Surroundings, choose_mode
from litellm_obs_plugin.langfuse_settings import LangfuseSettings, Mode
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.record import Project
from litellm_obs_plugin.trace_verdict import judge_traces

if TYPE_CHECKING:
    from litellm_obs_plugin.langfuse.tracer import Plan, Tracer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """*tracer* sends what *describer* has read of requests; both or neither."""

    choice: Choice
    tracer: "Tracer | None" = None
    describer: Describer | None = None

    def check(self, now: float) -> ComponentState:
        """How the traces of this worker fare, for the health report."""
        choice = self.choice
        if self.tracer is None and not choice.warnings:
            return NotConfigured().check(now)
        if self.tracer is None:
            told = "; ".join(choice.warnings)
            return ComponentState(status=Status.DEGRADED, message=told, checked_at=now)
        return judge_traces(
            self.tracer.status(),
            mode=f"{choice.mode} ({choice.reason})",
            warnings=choice.warnings,
            window_s=WINDOW_S,
            now=now,
        )

    def close(self) -> None:
        """Send what waits, within the time that settings allow. Blocks."""
        if self.tracer is not None:
            self.tracer.close()


def look_around(environ: Mapping[str, str]) -> Surroundings:
    """What of LiteLLM's own Langfuse callbacks is on here."""
    try:
        sdk = metadata.version("langfuse")
    except metadata.PackageNotFoundError:
        sdk = None
    return Surroundings(
        callbacks=neighbour.callbacks_on(),
        public_key=environ.get("LANGFUSE_PUBLIC_KEY"),
        sdk_version=sdk,
    )


def start_tracing(settings: LangfuseSettings, *, meter: Recorder, version: str) -> Tracing:
    """What *settings* and the surroundings ask for; one log line says what that is.

    Raises:
        ValueError: there is no such mask function.
    """
    choice = choose_mode(settings, look_around(os.environ))
    for warning in choice.warnings:
        log.warning("litellm_obs: %s", warning)
    if choice.mode is Mode.OFF:
        log.info("litellm_obs: Langfuse is off: %s", choice.reason)
        return Tracing(choice=choice)
    try:
        from litellm_obs_plugin.langfuse.tracer import Tracer
    except ImportError as error:
        log.warning("litellm_obs: Langfuse is off, install litellm-obs-plugin[langfuse]: %s", error)
        told = f"Langfuse is off, install litellm-obs-plugin[langfuse]: {error}"
        return Tracing(choice=Choice(mode=Mode.OFF, reason=str(error), warnings=(told,)))
    log.info("litellm_obs: Langfuse mode %s: %s", choice.mode, choice.reason)
    return Tracing(
        choice=choice,
        tracer=Tracer(_plan(settings, choice, version=version), meter=meter),
        describer=Describer(
            capture=settings.capture_io,
            capture_chars=settings.capture_chars,
            joins_all=choice.joins,
        ),
    )


def _plan(settings: LangfuseSettings, choice: Choice, *, version: str) -> "Plan":
    from litellm_obs_plugin.langfuse.mask import load_mask
    from litellm_obs_plugin.langfuse.tracer import Plan
    from litellm_obs_plugin.langfuse.tree import Stamp

    secret = settings.secret_key.get_secret_value() if settings.secret_key is not None else ""
    return Plan(
        project=Project(
            public_key=settings.public_key or "", secret_key=secret, host=settings.host
        ),
        priced=choice.mode is Mode.REPLACE,
        stamp=Stamp(environment=settings.environment, release=settings.release),
        version=version,
        sample_rate=settings.sample_rate,
        mask=load_mask(settings.mask) if settings.mask is not None else None,
        max_items=settings.queue_items,
        max_bytes=settings.queue_bytes,
        max_projects=settings.max_projects,
        interval_s=settings.flush_interval_s,
        timeout_s=settings.timeout_s,
        shutdown_s=settings.shutdown_s,
    )
