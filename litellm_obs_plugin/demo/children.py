"""Child processes that never outlive us: started in their own group, stopped as a group."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

_PR_SET_PDEATHSIG = 1
_LAST_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to run. It is ready when *ready_url* answers 200; *shown_url* is for people."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    ready_url: str
    shown_url: str = ""


class ChildFailedError(Exception):
    """A child ended although nobody asked it to, or was not ready in time."""


class Running:
    """A started child."""

    def __init__(self, child: Child, process: asyncio.subprocess.Process) -> None:
        self.child = child
        self._process = process

    @classmethod
    async def start(cls, child: Child) -> Running:
        with child.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *child.argv,
                env=dict(child.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        return cls(child, process)

    async def ready(self, *, timeout_s: float) -> None:
        """Wait until the child answers.

        Raises:
            ChildFailedError: it ended, or took longer than *timeout_s* seconds.
        """
        polling = asyncio.create_task(_answers(self.child.ready_url))
        ending = asyncio.create_task(self._process.wait())
        done, pending = await asyncio.wait(
            {polling, ending}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if polling not in done:
            reason = "ended" if ending in done else f"was not ready after {timeout_s:.0f} s"
            raise ChildFailedError(self._report(reason))

    async def ended(self) -> None:
        """Wait for the end.

        Raises:
            ChildFailedError: always, when that has come.
        """
        await self._process.wait()
        raise ChildFailedError(self._report("ended"))

    async def stop(self, *, grace_s: float) -> None:
        """End the child and all it has started: SIGTERM, then SIGKILL after *grace_s* seconds."""
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), grace_s)
        # Also after a clean end: the group may hold a grandchild that ignored the first signal.
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _report(self, what: str) -> str:
        code = self._process.returncode
        ending = "" if code is None else f" with code {code}"
        lines = self.child.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        tail = "\n".join(f"  {line}" for line in lines)
        return f"{self.child.name} {what}{ending}; the end of {self.child.log}:\n{tail}"


async def stop_all(running: Sequence[Running], *, grace_s: float) -> None:
    """Stop the last started first; a child may need the ones before it to the end."""
    for one in reversed(running):
        await one.stop(grace_s=grace_s)


async def _answers(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
        while True:
            with suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.2)


def _die_with_parent() -> Callable[[], None] | None:
    """What a child runs first so that the kernel kills it when we are gone, even by SIGKILL."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange
