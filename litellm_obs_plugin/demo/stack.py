"""The whole demo: simulated providers, the proxy, traffic. Started together, stopped together."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import sys
import tempfile
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

import httpx
from rich.console import Console

from litellm_obs_plugin.demo import traffic
from litellm_obs_plugin.demo.children import Child, ChildFailedError, Running, stop_all
from litellm_obs_plugin.demo.ports import PortTakenError, check_ports

CONFIG_PROVIDERS_PORT = 4010
_READY_S = 180.0
_GRACE_S = 8.0
_DASHBOARD = "dashboard"
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What the children are built from. `logs` is a directory of this run alone."""

    config: Path
    host: str
    port: int
    providers_port: int
    key: str
    logs: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


Job = Callable[[], Awaitable[None]]
MakeChild = Callable[[Stack], Child]


def run(
    *,
    config: Path,
    host: str,
    port: int,
    providers_port: int,
    rate: float,
    duration_s: float | None = None,
    stdout: TextIO,
    extra: Sequence[MakeChild] = (),
) -> int:
    """Run the demo until Ctrl-C, a signal, *duration_s* seconds or the death of a child.

    *extra* children start when the proxy is ready, before the traffic. Returns the exit code:
    0 when stopped from outside, 1 when something failed.
    """
    logs = Path(tempfile.mkdtemp(prefix="litellm-obs-demo-"))
    stack = Stack(
        config=config,
        host=host,
        port=port,
        providers_port=providers_port,
        key=os.environ.get("LITELLM_MASTER_KEY") or f"sk-{secrets.token_urlsafe(24)}",
        logs=logs,
    )
    console = Console(file=stdout, highlight=False, soft_wrap=True)
    sending = partial(traffic.run, base_url=stack.url, key=stack.key, rate=rate, stdout=stdout)
    job = partial(_play, stack, console, sending=sending, extra=extra)
    try:
        asyncio.run(_until_stopped(job, duration_s=duration_s))
    except (ChildFailedError, PortTakenError) as error:
        console.print(str(error), style="red", markup=False)
        return 1
    shutil.rmtree(logs, ignore_errors=True)
    with suppress(OSError):  # the terminal may be what has gone
        console.print("Stopped.")
    return 0


async def _until_stopped(job: Job, *, duration_s: float | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    working = asyncio.ensure_future(job())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, timeout=duration_s, return_when=FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _play(
    stack: Stack, console: Console, *, sending: Job, extra: Sequence[MakeChild]
) -> None:
    children = [make_child(stack) for make_child in (providers, proxy, *extra)]
    check_ports(
        stack.host, ports={one.name: httpx.URL(one.ready_url).port or 0 for one in children}
    )
    running: list[Running] = []
    try:
        for child in children:
            console.print(f"Starting {child.name} … log: {child.log}", markup=False)
            running.append(await Running.start(child))
            await running[-1].ready(timeout_s=_READY_S)
        _print_addresses(stack, console, children=children)
        await _first_failure(sending, *(child.ended for child in running))
    finally:
        await stop_all(running, grace_s=_GRACE_S)


async def _first_failure(*jobs: Job) -> None:
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def providers(stack: Stack) -> Child:
    """The simulated providers."""
    port = str(stack.providers_port)
    return Child(
        name="providers",
        argv=(sys.executable, "-m", "litellm_obs_plugin.demo.providers", "--port", port),
        env=os.environ,
        log=stack.logs / "providers.log",
        ready_url=f"http://127.0.0.1:{port}/_sim/totals",
    )


def proxy(stack: Stack) -> Child:
    """LiteLLM's proxy, from the same environment as we are."""
    command = Path(sys.executable).parent / "litellm"
    config = str(_config(stack))
    return Child(
        name="proxy",
        argv=(str(command), "--config", config, "--host", stack.host, "--port", str(stack.port)),
        env={
            **os.environ,
            "LITELLM_MASTER_KEY": stack.key,
            # Both keep LiteLLM off the network: prices, and tokenizers of models it half knows.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HF_HUB_OFFLINE": "1",
        },
        log=stack.logs / "proxy.log",
        ready_url=f"{stack.url}/health/liveliness",
    )


def _config(stack: Stack) -> Path:
    """The config as it is, or a copy that points to where the providers really listen."""
    if stack.providers_port == CONFIG_PROVIDERS_PORT:
        return stack.config
    old, new = f"127.0.0.1:{CONFIG_PROVIDERS_PORT}", f"127.0.0.1:{stack.providers_port}"
    copy = stack.logs / "proxy_config.yaml"
    copy.write_text(stack.config.read_text().replace(old, new))
    return copy


def dashboard(stack: Stack, *, port: int) -> Child:
    """The dashboard of the proxy, without a password: it listens on this machine only."""
    url = f"http://127.0.0.1:{port}"
    options = ("--gateway-url", stack.url, "--port", str(port))
    return Child(
        name=_DASHBOARD,
        argv=(sys.executable, "-m", "dashboard_app", *options),
        env={**os.environ, "GATEWAY_DASHBOARD_KEY": stack.key},
        log=stack.logs / "dashboard.log",
        ready_url=f"{url}/healthz",
        shown_url=url,
    )


def _print_addresses(stack: Stack, console: Console, *, children: Sequence[Child]) -> None:
    auth = f'-H "Authorization: Bearer {stack.key}"'
    rows = {
        "proxy": stack.url,
        "metrics": f"{stack.url}/metrics",
        "JSON": f"{stack.url}/api/gateway/metrics",
        **{child.name: child.shown_url for child in children if child.shown_url},
        "key": stack.key,
        "try": f"curl {auth} {stack.url}/api/gateway/metrics",
    }
    console.print()
    for name, value in rows.items():
        console.print(f"  {name:<10}{value}", markup=False)
    console.print("\nCtrl-C stops everything.\n")
