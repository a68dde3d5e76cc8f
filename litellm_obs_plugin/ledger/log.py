"""The ledger's requests in the history database: beyond what the rings hold, over restarts."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from litellm_obs_plugin.history.standing import HistoryError
from litellm_obs_plugin.ledger.book import FAILED_OUTCOMES, LedgerReader, Page, read_page
from litellm_obs_plugin.ledger.entry import Entry, encode, unpack
from litellm_obs_plugin.ledger.selection import (
    Found,
    Selection,
    cost_usd,
    duration_ms,
    newest_first,
)

if TYPE_CHECKING:
    from litellm_obs_plugin.history.request_log import Line, RequestLog, Search, Shelf
    from litellm_obs_plugin.history.store import Store

logger = logging.getLogger(__name__)

_FIELDS = ("modelGroup", "model", "provider", "outcome", "team", "key")
_EXPIRE_EVERY_S = 600.0


class LogWriter:
    """Copies what is new in the workers' rings. For the one that writes history."""

    def __init__(
        self, *, directory: Path, keep: int, keep_s: float, clock: Callable[[], float]
    ) -> None:
        self._directory = directory
        self._keep = keep
        self._keep_s = keep_s
        self._clock = clock
        self._seen: frozenset[str] = frozenset()
        self._expired_at = 0.0

    def write(self, store: "Store", name: str) -> None:
        """Write what was not there the last time.

        Raises:
            OSError: the rings cannot be read.
            sqlalchemy.exc.DBAPIError: the database cannot be written; the next call tries again.
        """
        from litellm_obs_plugin.history.request_log import RequestLog

        log, now = RequestLog(store=store, name=name), self._clock()
        pages = _read_pages(self._directory)
        found = {_digest(data): data for data in pages}
        lines = [
            _line(data, digest=digest, slow=Page.SLOW in pages[data])
            for digest, data in found.items()
            if digest not in self._seen
        ]
        oldest = now - self._keep_s
        new = [line for line in lines if line.received_at >= oldest]
        if new:
            log.add(sorted(new, key=lambda line: line.received_at)[-self._keep :])
        self._seen = frozenset(found)
        if abs(now - self._expired_at) >= _EXPIRE_EVERY_S:
            log.expire(before=oldest, keep=self._keep)
            self._expired_at = now


class LoggedReader(LedgerReader):
    """What all workers have noted, and what of it was written before."""

    def __init__(
        self,
        directory: Path,
        *,
        log: "Callable[[], RequestLog | None]",
        fleet_log: "Callable[[], RequestLog | None]" = lambda: None,
        failed: Callable[[str], None],
    ) -> None:
        """*log* answers None while there is none; *failed* counts when it cannot be read.

        *fleet_log* is of all proxies that share a database; None: there are no others.
        """
        super().__init__(directory)
        self._fleet_log = fleet_log
        self._log = log
        self._failed = failed

    def select(self, page: Page, selection: Selection) -> Found:
        log = self._log()
        if log is None:
            return super().select(page, selection)
        try:
            return select_logged(log, self._directory, page, selection)
        except HistoryError as error:
            self._failed("read_history")
            logger.debug("litellm_obs: the requests cannot be read", exc_info=error)
            return super().select(page, selection)

    def select_fleet(self, page: Page, selection: Selection) -> Found | None:
        try:
            log = self._fleet_log()
        except ImportError as error:
            msg = f"the requests cannot be read: {error}"
            raise HistoryError(msg) from error
        return select_shared(log, page, selection) if log is not None else None


def read_lines(directory: Path) -> "Iterator[Line]":
    """Every request that the rings in *directory* hold, once.

    Raises:
        OSError: the directory cannot be read.
    """
    for data, pages in _read_pages(directory).items():
        yield _line(data, digest=_digest(data), slow=Page.SLOW in pages)


def _read_pages(directory: Path) -> dict[bytes, set[Page]]:
    """Every request that the rings hold, as it lies there, and the pages that it is on."""
    found: dict[bytes, set[Page]] = {}
    for page in (Page.RECENT, Page.SLOW, Page.FAILED):
        for data in read_page(directory, page):
            found.setdefault(data, set()).add(page)
    return found


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _line(data: bytes, *, digest: str, slow: bool) -> "Line":
    from litellm_obs_plugin.history.request_log import Line

    entry = unpack(data)
    return Line(
        digest=digest,
        received_at=datetime.fromisoformat(entry["time"]).timestamp(),
        slow=slow,
        failed=entry["outcome"] in FAILED_OUTCOMES,
        duration_ms=duration_ms(entry),
        cost_usd=cost_usd(entry),
        values={name: entry.get(name) for name in _FIELDS},
        text=encode(entry).decode(),
    )


def select_logged(log: "RequestLog", directory: Path, page: Page, selection: Selection) -> Found:
    """The page of *selection*, of what is written and what is only in the rings yet.

    Raises:
        HistoryError: the database cannot be read.
        OSError: the rings cannot be read.
    """
    fresh = {line.digest: line for line in read_lines(directory) if _is_of(line, page)}
    found = log.search(_search(page, selection), fresh=fresh)
    unwritten = [json.loads(fresh[digest].text) for digest in found.unwritten]
    waiting = [entry for entry in unwritten if selection.fits(entry)]
    return _cut(found, selection, waiting=waiting)


def select_shared(log: "RequestLog", page: Page, selection: Selection) -> Found:
    """The page of *selection*, of what all proxies have brought to their database.

    Raises:
        HistoryError: the database cannot be read.
    """
    where = {name: value.replace("\0", "\ufffd") for name, value in selection.where.items()}
    found = log.search(_search(page, replace(selection, where=where)), fresh=())
    return _cut(found, selection, waiting=[])


def _cut(found: "Shelf", selection: Selection, *, waiting: list[Entry]) -> Found:
    """The page, of what was *found* around it and what is *waiting* to be written."""
    written = [json.loads(text) for text in found.texts]
    behind = [e for e in written if selection.before is None or selection.before.precedes(e)]
    every = sorted([*waiting, *behind], key=newest_first, reverse=True)
    start = selection.offset - found.offset
    return Found(
        entries=selection.order(every)[start : start + selection.limit],
        total=found.total - (len(written) - len(behind)) + len(waiting),
    )


def _is_of(line: "Line", page: Page) -> bool:
    return {Page.SLOW: line.slow, Page.FAILED: line.failed}.get(page, True)


def _search(page: Page, selection: Selection) -> "Search":
    from litellm_obs_plugin.history.request_log import Order, Search

    return Search(
        slow=page is Page.SLOW,
        failed=page is Page.FAILED,
        where=selection.where,
        order=Order(selection.sort),
        until=selection.before.time.timestamp() if selection.before is not None else None,
        offset=selection.offset,
        limit=selection.limit,
    )
