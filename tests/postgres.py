"""A real PostgreSQL for the tests, and a relay before it that can be cut, or hang."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import tempfile
import threading
import uuid
from contextlib import suppress
from pathlib import Path

import psycopg

BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql/bin"))
_QUIET = {"stdout": subprocess.DEVNULL, "check": True}


class Postgres:
    """A server of Debian's package on loopback, run by a user who is not root."""

    def __init__(self, port: int) -> None:
        self.port = port
        # Not below pytest's own directory, which it closes to other users again and again.
        self._directory = tempfile.TemporaryDirectory(prefix="litellm-obs-postgres-")
        directory = Path(self._directory.name)
        directory.chmod(0o777)
        become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        data = directory / "data"
        subprocess.run([*become, BIN / "initdb", "-D", data, "-U", "t", "-A", "trust"], **_QUIET)
        self._control = [*become, BIN / "pg_ctl", "-D", data, "-w", "-l", directory / "log"]
        self._where = f"-p {port} -h 127.0.0.1 -k {directory} -c fsync=off"
        subprocess.run([*self._control, "-o", self._where, "start"], **_QUIET)

    def make_database(self) -> str:
        """The name of a new, empty one."""
        name = f"d{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name

    def address(self, database: str, port: int | None = None) -> str:
        return f"postgresql://t@127.0.0.1:{port or self.port}/{database}"

    def stop(self) -> None:
        subprocess.run([*self._control, "-m", "fast", "stop"], **_QUIET)
        self._directory.cleanup()


class Relay:
    """Passes bytes between a port of its own and *target*, unless it is cut or hangs."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._sockets: list[socket.socket] = []
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self._left: float = math.inf
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection, and let none through."""
        self._is_cut = True
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def hang(self) -> None:
        """Pass nothing on, and close nothing: whoever waits for an answer waits."""
        self._flows.clear()

    def hang_after(self, passed: int) -> None:
        """Hang once so many bytes more have come from either side."""
        self._left = passed

    def mend(self) -> None:
        """Let new connections through; those that were cut or hung are gone."""
        self._left = math.inf
        if not self._flows.is_set():
            self.cut()
            self._flows.set()
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._flows.set()
        self._left: float = math.inf
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._left -= len(data)
                if self._left < 0:
                    self._flows.clear()
                self._flows.wait()
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
