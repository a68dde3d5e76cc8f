"""A provider on a real socket that answers as it is told."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import ThreadingTCPServer


@dataclass
class Upstream:
    """Answers *status* after *delay_s*; its last requests are in *seen*. A thread for each."""

    port: int
    status: int = 200
    delay_s: float = 0.0
    raw: bytes | None = None  # sent in the place of an answer
    speaks_first: bool = False
    location: str = ""
    context: ssl.SSLContext | None = None
    fail_first: int = 0
    seen: list[str] = field(default_factory=list)

    def __enter__(self) -> Upstream:
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), self._answer)  # type: ignore[arg-type]
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()  # waits for the answers under way
        self._thread.join(10)

    def _answer(self, connection: socket.socket, *_: object) -> None:
        connection.settimeout(10)
        with suppress(OSError):  # the one who asked went away, or does not like our certificate
            if self.context is None:
                self._converse(connection)
                return
            with self.context.wrap_socket(connection, server_side=True) as secured:
                self._converse(secured)

    def _converse(self, connection: socket.socket) -> None:
        head = b"" if self.speaks_first else _read_head(connection)
        self.seen.append(head.decode())
        self._stopping.wait(self.delay_s)
        connection.sendall(self._bytes())

    def _bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        status = 500 if len(self.seen) <= self.fail_first else self.status
        head = f"HTTP/1.1 {status} So\r\nContent-Length: 2\r\nConnection: close\r\n"
        return f"{head}{self.location}\r\n{{}}".encode()

    @property
    def base(self) -> str:
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 100


def _read_head(connection: socket.socket) -> bytes:
    """Raise ConnectionError if the other side closes before the head is complete."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := connection.recv(4096)):
            raise ConnectionError(head)
        head += more
    return head
