"""Folding: the counts of workers that are gone move into the base, exactly once.

Every count is in one place at every moment. The new base, which lists the names of the files in it,
is renamed over the old one: before, a file counts itself; after, the base does, and a file that the
base names is never read again. So a crash at any point loses and doubles nothing.
"""

import logging
import uuid
from collections.abc import Callable
from pathlib import Path

from litellm_obs_plugin.metrics import base_file, layout
from litellm_obs_plugin.metrics.base_file import Base
from litellm_obs_plugin.metrics.cardinality import DEFAULT_MAX_SERIES, cap
from litellm_obs_plugin.metrics.file_reader import FileReader, Raw, is_alive, read_checked
from litellm_obs_plugin.metrics.layout import BlockKind, SeriesName
from litellm_obs_plugin.metrics.state_dir import StateDirError, locked, make_directory
from litellm_obs_plugin.metrics.tally import Tally
from litellm_obs_plugin.metrics.worker_file import NEW_SUFFIX, SUFFIX

log = logging.getLogger(__name__)

DAMAGED_SUFFIX = ".damaged"

Step = Callable[[str], None]


def _no_step(_: str) -> None:
    """Between two steps of a fold nothing happens, except in tests."""


def prepare(
    directory: Path,
    *,
    max_series: int = DEFAULT_MAX_SERIES,
    mounts: str | None = None,
    step: Step = _no_step,
) -> None:
    """Make *directory* ready for a worker: it exists, and dead workers' files are in the base.

    The base keeps the largest *max_series* label sets of a metric; the rest become ``other``.

    Raises:
        StateDirError: *directory* is unsafe; the message says why.
        OSError: *directory* cannot be made or written.
    """
    make_directory(directory, mounts=mounts)
    with locked(directory):
        _remove_stale(directory, step)
        _fold(directory, max_series, step)


def reset(directory: Path) -> None:
    """Forget all totals.

    Raises:
        StateDirError: a worker is running.
        OSError: *directory* cannot be written.
    """
    with locked(directory):
        paths = sorted(directory.glob("*" + SUFFIX))
        if any(is_alive(path) for path in paths):
            msg = f"state_dir: a worker writes to {directory}; stop the proxy first"
            raise StateDirError(msg)
        for path in (*paths, *directory.glob("*" + DAMAGED_SUFFIX), directory / base_file.NAME):
            path.unlink(missing_ok=True)


def _remove_stale(directory: Path, step: Step) -> None:
    """Files whose maker died before it was done. Who makes one holds the directory's lock."""
    for path in sorted(directory.glob("*" + NEW_SUFFIX)):
        if not path.is_dir():
            path.unlink()
            step("stale file removed")


def _fold(directory: Path, max_series: int, step: Step) -> None:
    base = _read_or_set_aside(directory, step)
    tally, starts, folded = Tally(base.series), [base.started_at], set[str]()
    for path in sorted(directory.glob("*" + SUFFIX)):
        if path.name in base.folded:
            path.unlink()
            step("folded file removed")
            continue
        try:
            if is_alive(path):
                continue
            started_at, series = _read_dead(path)
        except layout.FormatError as error:
            _set_aside(path, error)
            step("damaged file set aside")
            continue
        tally = Tally([*tally, *series])
        starts.append(started_at)
        folded.add(path.name)
    if folded:
        known = [s for s in starts if s is not None]
        capped = tuple(cap(tally, max_series=max_series))
        _replace(
            directory, Base(started_at=min(known), series=capped, folded=frozenset(folded)), step
        )


def _replace(directory: Path, base: Base, step: Step) -> None:
    try:
        base_file.write_base(directory, base, step=step)
    except OSError as error:
        # The files still count for themselves, and the next start tries again.
        log.warning("litellm_obs: %s: dead workers' files stay for now: %s", directory, error)
        return
    for name in sorted(base.folded):
        (directory / name).unlink()
        step("folded file removed")


def _read_dead(path: Path) -> tuple[float, list[tuple[SeriesName, Raw]]]:
    """(start, series) of a file; gauges died with its worker."""
    reader = FileReader(path)
    try:
        checked = read_checked(reader)
        series = [(block.name, raw) for block, raw in checked if block.kind is not BlockKind.GAUGE]
        return reader.header.started_at, series
    finally:
        reader.close()


def _read_or_set_aside(directory: Path, step: Step) -> Base:
    try:
        return base_file.read_base(directory)
    except layout.FormatError as error:
        _set_aside(directory / base_file.NAME, error)
        step("damaged base set aside")
        return Base()


def _set_aside(path: Path, error: Exception) -> None:
    log.warning("litellm_obs: %s cannot be read and is set aside: %s", path, error)
    path.replace(path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{DAMAGED_SUFFIX}"))
