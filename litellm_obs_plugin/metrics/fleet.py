"""All workers of one proxy as one snapshot: the base that dead workers left, plus the living."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from litellm_obs_plugin.metrics import base_file, layout
from litellm_obs_plugin.metrics.catalog import BY_NAME, CATALOG, Labels
from litellm_obs_plugin.metrics.current_base import CurrentBase
from litellm_obs_plugin.metrics.exemplar import Exemplars
from litellm_obs_plugin.metrics.file_reader import FileReader, Raw, is_alive, read_checked
from litellm_obs_plugin.metrics.fold import DAMAGED_SUFFIX
from litellm_obs_plugin.metrics.fold import prepare as prepare
from litellm_obs_plugin.metrics.fold import reset as reset
from litellm_obs_plugin.metrics.layout import BlockKind, SeriesName
from litellm_obs_plugin.metrics.mapping import Domain
from litellm_obs_plugin.metrics.sketch import Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot, Value
from litellm_obs_plugin.metrics.tally import Tally
from litellm_obs_plugin.metrics.worker_file import SUFFIX

log = logging.getLogger(__name__)

_READ_TRIES = 50
_SERIES_PER_TURN = 32
_PAUSE_S = 50e-6

T = TypeVar("T")


def give_way() -> None:
    """Let another thread run.

    A thread that computes without pause keeps others waiting for up to 5 ms (the interpreter's
    switch interval), and the recorder must never wait that long for a reader.
    """
    time.sleep(_PAUSE_S)


@dataclass(slots=True)
class _Gathered:
    """What is read so far."""

    tally: Tally
    starts: list[float] = field(default_factory=list)
    exemplars: dict[SeriesName, list[bytes]] = field(default_factory=dict)
    workers: int = 0
    damaged: int = 0


class Fleet:
    """Reads the state directory. Readers in several threads take turns."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Callable[[], float],
        pause: Callable[[], None] = give_way,
    ) -> None:
        self.directory = directory
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._readers: dict[str, FileReader] = {}
        self._base = CurrentBase(directory)
        self._reported: set[str] = set()
        self._read_since_pause = 0

    def read(self) -> Snapshot:
        """Every count of every worker, dead or alive, once.

        Raises:
            OSError: the directory cannot be read.
        """
        with self._lock:
            for _ in range(_READ_TRIES):
                if not self._base.is_current():
                    self._base.load()
                gathered = self._gather()
                if gathered is not None and self._base.is_current():
                    snapshot = self._snapshot(gathered)
                    self._pause()
                    del gathered  # thousands of objects: that takes a turn of its own
                    self._pause()
                    return snapshot
        msg = f"{self.directory}: the base changed during {_READ_TRIES} reads"
        raise OSError(msg)

    def close(self) -> None:
        with self._lock:
            self._forget(tuple(self._readers))
            self._base.close()

    def _gather(self) -> _Gathered | None:
        names = os.listdir(self.directory)
        files = {n for n in names if n.endswith(SUFFIX)} - self._base.base.folded
        self._forget(self._readers.keys() - files)
        gathered = _Gathered(tally=Tally(self._base.base.series))
        gathered.damaged = sum(n.endswith(DAMAGED_SUFFIX) for n in names)
        if self._base.problem is not None:
            self._leave_out(base_file.NAME, self._base.problem, gathered)
        self._pause()
        for name in sorted(files):
            try:
                self._gather_file(name, gathered)
            except FileNotFoundError:
                return None  # folded just now: the base has changed
            except layout.FormatError as error:
                self._leave_out(name, error, gathered)
        return gathered

    def _gather_file(self, name: str, gathered: _Gathered) -> None:
        alive = is_alive(self.directory / name)
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = FileReader(self.directory / name)
            if not alive:  # the next fold checks it, too, but until then it is on the page
                deque(self._paced(read_checked(reader)), maxlen=0)
        for block in self._paced(reader.blocks()):
            if block.domain is not None:
                gathered.tally.add_cells(block.name, block.domain, reader.cells(block))
            elif alive or block.kind is not BlockKind.GAUGE:
                gathered.tally.add_number(block.name, reader.number(block))
            if block.exemplar_cells:
                gathered.exemplars.setdefault(block.name, []).append(reader.exemplars(block))
        gathered.workers += alive
        gathered.starts.append(reader.header.started_at)

    def _leave_out(self, name: str, error: Exception, gathered: _Gathered) -> None:
        """The next fold sets the file aside; until then it is counted, and named once."""
        gathered.damaged += 1
        self._forget({name} & self._readers.keys())
        if name not in self._reported:
            self._reported.add(name)
            log.warning("litellm_obs: %s cannot be read: %s", self.directory / name, error)

    def _snapshot(self, gathered: _Gathered) -> Snapshot:
        now = self._clock()
        first = self._base.base.started_at
        starts = gathered.starts if first is None else [first, *gathered.starts]
        return Snapshot(
            started_at=min(starts, default=now),
            taken_at=now,
            workers=gathered.workers,
            damaged_files=gathered.damaged,
            series=known_series(self._paced(gathered.tally)),
            exemplars=known_exemplars(self._paced(gathered.exemplars.items())),
        )

    def _forget(self, names: Iterable[str]) -> None:
        for name in list(names):
            self._readers.pop(name).close()

    def _paced(self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            yield item
            self._read_since_pause += 1
            if self._read_since_pause >= _SERIES_PER_TURN:
                self._read_since_pause = 0
                self._pause()


def known_series(series: Iterable[tuple[SeriesName, Raw]]) -> dict[str, dict[Labels, Value]]:
    """Series that the catalogue knows; what another version has left is kept but not shown."""
    known: dict[str, dict[Labels, Value]] = {}
    for name, raw in series:
        if isinstance(raw, Sketch):
            value: Value = raw
            is_known = _is_known(name, raw.domain)
        else:
            value = raw[0] + raw[1]
            is_known = _is_known(name, None)
        if is_known:
            of_metric = known.get(name.metric)
            if of_metric is None:
                of_metric = known[name.metric] = {}
            of_metric[name.labels] = value
    return known


def known_exemplars(raw: Iterable[tuple[SeriesName, list[bytes]]]) -> dict[str, Exemplars]:
    """The exemplars of metrics in the catalogue, to be decoded when they are asked for."""
    by_metric: dict[str, dict[Labels, list[bytes]]] = {}
    for name, parts in raw:
        by_metric.setdefault(name.metric, {})[name.labels] = parts
    return {
        metric.name: Exemplars(metric.domain, by_metric[metric.name])
        for metric in CATALOG
        if metric.domain is not None and metric.name in by_metric
    }


def _is_known(name: SeriesName, domain: Domain | None) -> bool:
    metric = BY_NAME.get(name.metric)
    if metric is None or len(metric.labels) != len(name.labels):
        return False
    return metric.domain is domain or metric.domain == domain
