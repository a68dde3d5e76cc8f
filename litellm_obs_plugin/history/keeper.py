"""Keeps history beside the requests: one thread per worker, of which one writes."""

import logging
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from litellm_obs_plugin.history import roster
from litellm_obs_plugin.history.archive import Archive
from litellm_obs_plugin.history.courier import Courier
from litellm_obs_plugin.history.database import (
    FILE,
    check,
    list_damaged,
    open_file,
    set_aside,
)
from litellm_obs_plugin.history.fleet_archive import FleetArchive
from litellm_obs_plugin.history.request_log import Bounds, RequestLog
from litellm_obs_plugin.history.spool import Spool
from litellm_obs_plugin.history.standing import Standing, reason_of
from litellm_obs_plugin.history.store import Store
from litellm_obs_plugin.history.writer import Identity, Writer, seconds_until_next
from litellm_obs_plugin.metrics.election import Election
from litellm_obs_plugin.metrics.snapshot import Snapshot

log = logging.getLogger(__name__)

LOCK = "history.lock"
NAME = "history.name"
_CHECK_EVERY_S = 3600.0


class Meter(Protocol):
    """Shows how things stand."""

    def set(self, name: str, *labels: str, value: float) -> None: ...


class Keeper:
    """*read* must not be shared with another thread. Nothing happens before :meth:`start`."""

    def __init__(
        self,
        *,
        directory: Path,
        read: Callable[[], Snapshot],
        keep_s: Mapping[int, float],
        meter: Meter,
        failed: Callable[[str], None],
        clock: Callable[[], float],
        url: str | None = None,
        spool_s: float = 0.0,
        beside: Callable[[Store, str], None] | None = None,
        requests: Bounds | None = None,
    ) -> None:
        """*beside* writes what else is kept of the proxy of that name.

        *requests*: how many requests one by one a fleet keeps of each proxy.
        """
        self._beside = beside
        self._directory = directory
        self._read = read
        self._keep_s = keep_s
        self._meter = meter
        self._failed = failed
        self._clock = clock
        self._election = Election(directory / LOCK)
        self._name = ""
        self._store: Store | None = None
        self._writer: Writer | None = None
        self._archive: tuple[Store, Archive] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="litellm-obs-history", daemon=True)
        self._told = ""
        self._file: tuple[int, int] | None = None
        self._checked_at = 0.0
        self._standing = Standing()
        self._damaged: tuple[str, ...] = ()
        self._spool = Spool(limit_s=spool_s if url else 0.0)
        self._courier = (
            Courier(
                url=url,
                local=self._written_here,
                keep_s=keep_s,
                spool=self._spool,
                failed=failed,
                clock=clock,
                requests=requests,
            )
            if url
            else None
        )

    @property
    def standing(self) -> Standing:
        """How it stands, with the delivery if there is one."""
        found = replace(self._standing, damaged=self._damaged)
        if self._courier is None:
            return found
        return replace(found, delivery=self._courier.delivery)

    def start(self) -> None:
        """Begin to write, or to stand by for whoever does."""
        self._thread.start()
        if self._courier is not None:
            self._courier.start()

    def close(self) -> None:
        """End the thread. What is not written yet, the next one to run writes."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        if self._courier is not None:
            self._courier.close()
        self._election.close()
        if self._store is not None:
            self._store.close()

    def archive(self) -> Archive | None:
        """The past, for one reading thread; None while the database cannot be opened."""
        store = self._store
        if store is None:
            return None
        if self._archive is None or self._archive[0] is not store:
            self._archive = store, Archive(store=store, name=self._name)
        return self._archive[1]

    def fleet_archive(self) -> FleetArchive | None:
        """The past of all proxies that share the database, for one reading thread; or None."""
        store = self._store
        if self._courier is None or store is None:
            return None
        own = Archive(store=store, name=self._name)
        return FleetArchive(
            own=own, shared=self._courier.shared, name=self._name, host=socket.gethostname()
        )

    def requests(self) -> RequestLog | None:
        """The requests one by one; None while the database cannot be opened."""
        store = self._store
        return RequestLog(store=store, name=self._name) if store is not None else None

    def fleet_requests(self) -> RequestLog | None:
        """Those of all proxies that share the database, as far as they have come; or None.

        Raises:
            ImportError: psycopg is not installed.
        """
        if self._courier is None:
            return None
        return RequestLog(store=self._courier.shared(), name=None)

    def _written_here(self) -> tuple[Store, str] | None:
        store = self._store
        return (store, self._name) if store is not None and self._writer is not None else None

    def step(self) -> None:
        """What the thread does every ten seconds. A failure is told, and tried again next time."""
        try:
            self._write()
        except sa.exc.DatabaseError as error:
            if not isinstance(error, sa.exc.OperationalError):
                self._begin_anew(error)
                self._write_anew()
            self._tell(reason_of(error))
        except OSError as error:
            self._tell(str(error))
        self._damaged = list_damaged(self._directory)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:  # the thread must outlive whatever one step meets
                self._tell(repr(error))
                log.debug("litellm_obs: history", exc_info=error)
            self._stopping.wait(seconds_until_next(self._clock()))

    def _write(self) -> None:
        if self._store is not None and self._identify() != self._file:
            self._release()  # another worker has set it aside, or somebody deleted it
        if self._store is None:
            self._name = read_name(self._directory)
            # One looks for damage; that takes a while, and is not needed of the others.
            checked = self._election.is_won()
            self._store = Store(open_file(self._directory, checked=checked))
            self._file = self._identify()
            self._checked_at = self._clock()
        if not self._election.is_won():
            self._standing = Standing(written_at=self._written_by_other())
            return
        if abs(self._clock() - self._checked_at) >= _CHECK_EVERY_S:
            self._checked_at = self._clock()
            check(self._directory / FILE)
        if self._writer is None:
            identity = Identity(name=self._name, host=socket.gethostname())
            self._writer = Writer(
                store=self._store,
                read=self._read,
                identity=identity,
                keep_s=self._keep_s,
                spool=self._spool,
            )
        written_at = self._writer.write()
        self._writer.tidy(self._clock())
        if self._beside is not None:
            self._beside(self._store, self._name)
        self._meter.set("history_write_timestamp_seconds", value=written_at)
        self._told = ""
        self._standing = Standing(written_at=written_at)

    def _written_by_other(self) -> float | None:
        assert self._store is not None
        with self._store.reading() as connection:
            known = roster.instances(connection)
            return next((one.seen_at for one in known if one.name == self._name), None)

    def _begin_anew(self, error: Exception) -> None:
        """The file was damaged while it was open: all workers see it, the writer acts."""
        self._release()
        if self._election.is_won() and (self._directory / FILE).exists():
            set_aside(self._directory / FILE, error)

    def _write_anew(self) -> None:
        """Take the new file's baseline now: what is counted from here on is in it."""
        try:
            self._write()
        except (sa.exc.DatabaseError, OSError) as error:
            log.debug("litellm_obs: history is not begun anew", exc_info=error)

    def _release(self) -> None:
        """Close the file; the next step opens what is there then."""
        store, self._store, self._writer = self._store, None, None
        if store is not None:
            store.close()

    def _identify(self) -> tuple[int, int] | None:
        """Which file lies there now; None: none."""
        try:
            found = (self._directory / FILE).stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _tell(self, problem: str) -> None:
        self._failed("history")
        self._standing = Standing(problem=problem, written_at=self._standing.written_at)
        if problem != self._told:
            self._told = problem
            log.warning("litellm_obs: history is not written: %s", problem)


def read_name(directory: Path) -> str:
    """The name of the proxy whose state lies in *directory*, given once.

    Raises:
        OSError: the directory cannot be written.
    """
    path = directory / NAME
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(uuid.uuid4().hex)
    except FileExistsError:
        pass
    return path.read_text(encoding="ascii").strip() or "unnamed"
