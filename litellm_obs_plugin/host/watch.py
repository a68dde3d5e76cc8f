"""The health monitor of this proxy, put together."""

from collections.abc import Callable, Mapping
from pathlib import Path

from litellm_obs_plugin.health.board import Board
from litellm_obs_plugin.health.component import Source
from litellm_obs_plugin.health.monitor import Inputs, Monitor, Reader
from litellm_obs_plugin.health.prober import Prober
from litellm_obs_plugin.health.round import Manner
from litellm_obs_plugin.health.state_files import StateFiles
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.upstream import Upstream
from litellm_obs_plugin.host.vitals import LiveHost
from litellm_obs_plugin.metrics.election import Election
from litellm_obs_plugin.sections import HealthSettings

_LOCK = "probe.lock"


def build_monitor(
    settings: HealthSettings,
    *,
    state_dir: Path,
    state_files: StateFiles,
    directory: Directory,
    reader: Reader,
    sources: Mapping[str, Source],
    count_error: Callable[[str], None],
    clock: Callable[[], float],
    version: str,
) -> Monitor:
    """A monitor that has not begun to look. *sources*: parts that know their own state."""
    with_key = settings.probe == "authenticated"
    upstream = Upstream(of_router=directory.of_router, with_key=with_key)
    board = Board(state_dir)
    manner = Manner(timeout_s=settings.timeout_s, clock=clock, tcp_only=settings.probe == "tcp")
    prober = Prober(
        targets=upstream.targets,
        board=board,
        election=Election(state_dir / _LOCK),
        manner=manner,
        interval_s=settings.interval_s,
        failed=count_error,
    )
    probes_on = settings.probe != "off"
    return Monitor(
        inputs=Inputs(
            host=LiveHost(targets=upstream.targets),
            reader=reader,
            probes=board.read if probes_on else dict,
            state=state_files.facts,
            sources=sources,
        ),
        prober=prober if probes_on else None,
        interval_s=settings.interval_s,
        version=version,
        failed=count_error,
        clock=clock,
    )
