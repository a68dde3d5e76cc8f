"""All workers of one proxy as one snapshot: the base that dead workers left, plus the living.

Every count is in exactly one place at every moment. Files are folded by renaming a new base, which
lists their names, over the old one: before the rename a file counts itself, after it the base does,
and a file that the base names is never read again. So a crash at any point loses and doubles
nothing.
"""

import fcntl
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from litellm_obs_plugin.metrics import base_file, layout
from litellm_obs_plugin.metrics.base_file import Base, RawSeries
from litellm_obs_plugin.metrics.catalog import BY_NAME, Labels
from litellm_obs_plugin.metrics.file_reader import FileReader
from litellm_obs_plugin.metrics.layout import BlockKind
from litellm_obs_plugin.metrics.sketch import Sketch, merge
from litellm_obs_plugin.metrics.snapshot import Snapshot, Value
from litellm_obs_plugin.metrics.worker_file import SUFFIX

log = logging.getLogger(__name__)

LOCK = "lock"
DAMAGED_SUFFIX = ".damaged"
_READ_TRIES = 50


def prepare(directory: Path) -> None:
    """Make *directory* ready for a worker: it exists, and dead workers' files are in the base.

    Raises:
        OSError: the directory cannot be made or written.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(directory):
        _fold(directory)


def is_alive(path: Path) -> bool:
    """Whether the worker that owns *path* still lives (holds its lock)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Fleet:
    """Reads the state directory. Not thread-safe: one reader at a time."""

    def __init__(self, directory: Path, *, clock: Callable[[], float]) -> None:
        self.directory = directory
        self._clock = clock
        self._readers: dict[str, FileReader] = {}
        self._base = Base()
        self._base_id: tuple[int, int] | None = None

    def read(self) -> Snapshot:
        """Every count of every worker, dead or alive, once.

        Raises:
            OSError: the directory cannot be read.
        """
        for _ in range(_READ_TRIES):
            identity = _identity(self.directory / base_file.NAME)
            if identity != self._base_id:
                self._base, self._base_id = base_file.read_base(self.directory), identity
            snapshot = self._gather()
            if snapshot is not None and identity == _identity(self.directory / base_file.NAME):
                return snapshot
        msg = f"{self.directory}: the base changed during {_READ_TRIES} reads"
        raise OSError(msg)

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _gather(self) -> Snapshot | None:
        names = {p.name for p in self.directory.glob("*" + SUFFIX)} - self._base.folded
        self._forget(self._readers.keys() - names)
        parts = [self._base.series]
        starts = [] if self._base.started_at is None else [self._base.started_at]
        workers = 0
        for name in sorted(names):
            try:
                reader, alive = self._reader(name), is_alive(self.directory / name)
                parts.append(_series_of(reader, gauges=alive))
            except FileNotFoundError:
                return None  # folded just now: the base has changed
            except layout.FormatError:
                continue  # the next fold sets it aside
            workers += alive
            starts.append(reader.started_at)
        now = self._clock()
        series = _by_metric(_merged(parts))
        return Snapshot(
            started_at=min(starts, default=now), taken_at=now, workers=workers, series=series
        )

    def _reader(self, name: str) -> FileReader:
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = FileReader(self.directory / name)
        return reader

    def _forget(self, names: Iterable[str]) -> None:
        for name in list(names):
            self._readers.pop(name).close()


def _fold(directory: Path) -> None:
    base = _read_or_set_aside(directory)
    parts, starts, folded = [base.series], [base.started_at], set[str]()
    for path in sorted(directory.glob("*" + SUFFIX)):
        if path.name in base.folded:
            path.unlink()
        elif not is_alive(path):
            try:
                reader = FileReader(path)
                parts.append(_series_of(reader, gauges=False))
            except layout.FormatError as error:
                _set_aside(path, error)
                continue
            starts.append(reader.started_at)
            folded.add(path.name)
            reader.close()
    if folded:
        known = [s for s in starts if s is not None]
        merged = Base(started_at=min(known), series=_merged(parts), folded=frozenset(folded))
        base_file.write_base(directory, merged)
        for name in folded:
            (directory / name).unlink()


def _read_or_set_aside(directory: Path) -> Base:
    try:
        return base_file.read_base(directory)
    except layout.FormatError as error:
        _set_aside(directory / base_file.NAME, error)
        return Base()


def _set_aside(path: Path, error: Exception) -> None:
    log.warning("litellm_obs: %s cannot be read and is set aside: %s", path, error)
    path.replace(path.with_name(path.name + DAMAGED_SUFFIX))


def _series_of(reader: FileReader, *, gauges: bool) -> RawSeries:
    return {
        block.name: reader.value(block)
        for block in reader.blocks()
        if gauges or block.kind is not BlockKind.GAUGE
    }


def _merged(parts: Iterable[RawSeries]) -> RawSeries:
    gathered: dict[layout.SeriesName, list[Value]] = {}
    for part in parts:
        for name, value in part.items():
            gathered.setdefault(name, []).append(value)
    return {name: _joined(values) for name, values in gathered.items()}


def _joined(values: list[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    sketch = merge(v for v in values if isinstance(v, Sketch))
    return sketch if sketch is not None else math.fsum(v for v in values if isinstance(v, float))


def _by_metric(series: RawSeries) -> dict[str, dict[Labels, Value]]:
    """Series that the catalogue knows; what another version has left is kept but not shown."""
    known: dict[str, dict[Labels, Value]] = {}
    for name, value in series.items():
        metric = BY_NAME.get(name.metric)
        domain = value.domain if isinstance(value, Sketch) else None
        if metric is None or len(metric.labels) != len(name.labels) or metric.domain != domain:
            continue
        known.setdefault(name.metric, {})[name.labels] = value
    return known


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
