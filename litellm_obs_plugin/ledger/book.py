"""The ledger of all workers of a proxy: each writes its own rings, anyone reads them all."""

import sys
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

from litellm_obs_plugin.ledger import ring
from litellm_obs_plugin.ledger.entry import (
    Entry,
    circuit_entry,
    encode,
    failover_entry,
    pack,
    unpack,
)
from litellm_obs_plugin.ledger.ring import RingFile
from litellm_obs_plugin.ledger.selection import Found, Selection, newest_first, select
from litellm_obs_plugin.record import CircuitChange, Outcome, Request

_KEEP_DEAD_FILES = 8
FAILED_OUTCOMES = frozenset({Outcome.ERROR, Outcome.REJECTED})


class Page(IntEnum):
    """What is kept apart, so that many of one kind do not push out the few of another."""

    RECENT = 0
    SLOW = 1
    FAILED = 2
    FAILOVERS = 3
    CIRCUITS = 4


class LedgerWriter:
    """This worker's part: the last *size* entries of each page, in memory."""

    def __init__(self, *, directory: Path, size: int, slow_s: float) -> None:
        """Make the worker's file.

        Raises:
            OSError: the directory cannot be written.
        """
        ring.remove_old(directory, keep=_KEEP_DEAD_FILES)
        self._file = RingFile(directory=directory, rings=len(Page), slots=size)
        self._slow_s = slow_s

    def record(self, request: Request) -> None:
        """Note a finished request wherever it belongs."""
        entry = pack(request)
        self._file.append(Page.RECENT, entry)
        if request.duration_s is not None and request.duration_s >= self._slow_s:
            self._file.append(Page.SLOW, entry)
        if request.outcome in FAILED_OUTCOMES:
            self._file.append(Page.FAILED, entry)
        for failover in request.failovers:
            self._file.append(Page.FAILOVERS, encode(failover_entry(request, failover)))

    def circuit_changed(self, change: CircuitChange) -> None:
        """Note that a circuit opened or closed in this worker."""
        self._file.append(Page.CIRCUITS, encode(circuit_entry(change)))

    def close(self) -> None:
        self._file.close()


def reset(directory: Path) -> None:
    """Forget all entries of workers that are gone.

    Raises:
        OSError: the directory cannot be written.
    """
    ring.remove_old(directory, keep=0)


class LedgerReader:
    """What all workers of a state directory have noted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def newest(self, page: Page, *, limit: int) -> list[Entry]:
        """The last *limit* entries, newest first.

        Raises:
            OSError: the directory cannot be read.
        """
        entries = (unpack(data) for data in read_page(self._directory, page))
        newest = sorted(entries, key=newest_first, reverse=True)
        return newest[:limit]

    def select(self, page: Page, selection: Selection) -> Found:
        """The entries that *selection* asks for.

        Raises:
            OSError: the directory cannot be read.
        """
        return select(self.newest(page, limit=sys.maxsize), selection)

    def select_fleet(self, page: Page, selection: Selection) -> Found | None:
        """The same of all proxies that share a database; None: there is none.

        Raises:
            OSError: it cannot be read.
        """
        return None


def read_page(directory: Path, page: Page) -> Iterator[bytes]:
    """What :func:`unpack` takes: one page in all rings of *directory*, in no order.

    Raises:
        OSError: the directory cannot be read.
    """
    for path in directory.glob("*" + ring.SUFFIX):
        try:
            yield from ring.read_ring(path, page)
        except FileNotFoundError:
            continue  # a starting worker has just removed it
