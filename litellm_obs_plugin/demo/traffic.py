"""Steady synthetic traffic through the proxy, and its own count of what came back."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TextIO

import httpx
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from litellm_obs_plugin.demo.shots import Shot, shots
from litellm_obs_plugin.demo.tally import Result, Tally

_MAX_OPEN = 200
_PLAIN_EVERY_S = 10.0
_REFRESH_S = 0.5


async def results(
    client: httpx.AsyncClient, *, tally: Tally, rate: float, rng: random.Random
) -> AsyncIterator[Result]:
    """Send without end, *rate* requests a second on average, and yield results as they come.

    A slow proxy does not slow the sending, up to 200 requests at a time.
    """
    done: asyncio.Queue[Result] = asyncio.Queue()
    sender = asyncio.create_task(_send_all(client, tally=tally, rate=rate, rng=rng, done=done))
    try:
        while True:
            result = await done.get()
            tally.add(result)
            yield result
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send_all(
    client: httpx.AsyncClient,
    *,
    tally: Tally,
    rate: float,
    rng: random.Random,
    done: asyncio.Queue[Result],
) -> None:
    free = asyncio.Semaphore(_MAX_OPEN)

    async def send(shot: Shot) -> None:
        try:
            done.put_nowait(await fire(client, shot, clock=tally.clock))
        finally:
            free.release()

    async with asyncio.TaskGroup() as group:
        for shot in shots(rng, rate):
            await asyncio.sleep(shot.pause_s)
            await free.acquire()
            tally.sent += 1
            group.create_task(send(shot))


async def fire(client: httpx.AsyncClient, shot: Shot, *, clock: Callable[[], float]) -> Result:
    """Send one request and read its answer to the end."""
    headers = {"x-litellm-tags": ",".join(shot.tags)} if shot.tags else {}
    if shot.bad_key:
        headers["authorization"] = "Bearer sk-not-a-key"
    start_s = clock()
    status, broken = 0, False
    try:
        async with client.stream("POST", shot.path, json=shot.body, headers=headers) as answer:
            status = answer.status_code
            async for line in answer.aiter_lines():
                broken = broken or (shot.stream and _tells_error(line))
    except httpx.HTTPError:
        broken = True
    return Result(status=status, ok=status == 200 and not broken, latency_s=clock() - start_s)


def _tells_error(line: str) -> bool:
    return line.startswith(('data: {"error"', "event: error"))


async def run(
    *, base_url: str, key: str, rate: float, stdout: TextIO, seed: int | None = None
) -> None:
    """Send until cancelled, showing progress on *stdout*."""
    tally = Tally(clock=time.monotonic)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=60) as client:
        show = asyncio.create_task(_show(tally, stdout))
        try:
            async for _ in results(client, tally=tally, rate=rate, rng=random.Random(seed)):
                pass
        finally:
            show.cancel()
            await asyncio.gather(show, return_exceptions=True)


async def _show(tally: Tally, stdout: TextIO) -> None:
    if stdout.isatty():
        await _show_live(tally, Console(file=stdout))
    else:
        await _show_plain(tally, stdout)


async def _show_live(tally: Tally, console: Console) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=False) as progress:
        bar = progress.add_task("", total=None)
        while True:
            progress.update(bar, description=tally.line())
            await asyncio.sleep(_REFRESH_S)


async def _show_plain(tally: Tally, stdout: TextIO) -> None:
    while True:
        await asyncio.sleep(_PLAIN_EVERY_S)
        stdout.write(tally.line() + "\n")
        stdout.flush()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Synthetic traffic for a LiteLLM proxy.")
    parser.add_argument("--base-url", default="http://127.0.0.1:4000")
    parser.add_argument("--rate", type=float, default=5.0, help="requests a second")
    parser.add_argument("--seed", type=int)
    options = parser.parse_args(argv)
    key = os.environ.get("LITELLM_MASTER_KEY")
    if not key:
        parser.error("LITELLM_MASTER_KEY is not set")
    running = run(
        base_url=options.base_url,
        key=key,
        rate=options.rate,
        stdout=sys.stdout,
        seed=options.seed,
    )
    try:
        asyncio.run(running)
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
