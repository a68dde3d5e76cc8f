"""A provider on a real socket that answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field


@dataclass
class Upstream:
    """Answers *status* after *delay_s*; its last requests are in *seen*. Runs in a thread."""

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
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(started))
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))  # connections close in the next turn
        self._loop.close()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", self.port, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError), closing(writer):
            head = b"" if self.speaks_first else await reader.readuntil(b"\r\n\r\n")
            self.seen.append(head.decode())
            await asyncio.sleep(self.delay_s)
            writer.write(self._bytes())
            await writer.drain()

    def _bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        status = 500 if len(self.seen) <= self.fail_first else self.status
        head = f"HTTP/1.1 {status} So\r\nContent-Length: 2\r\nConnection: close\r\n"
        return f"{head}{self.location}\r\n{{}}".encode()

    @property
    def base(self) -> str:
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}"
