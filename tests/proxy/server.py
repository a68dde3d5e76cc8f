"""Real processes for the tests: started, waited for, and always stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

MASTER_KEY = "sk-test-6f0d1c5e2b"
# Tests compare answers before and after: none may be a second old.
AUTH = {"authorization": f"Bearer {MASTER_KEY}", "cache-control": "no-cache"}
BOOT_S = 300
_STOP_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running process and where it answers."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP_S)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    argv: list[str],
    *,
    url: str,
    ready: str,
    log: Path,
    env: Mapping[str, str],
    wait_for: Callable[..., object],
) -> Server:
    """Start *argv* and wait until *ready* answers 200."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, stdout=out, stderr=out, env={**os.environ, **env}, start_new_session=True
        )
    server = Server(process=process, url=url, log=log)

    def answers() -> bool:
        assert process.poll() is None, f"it ended:\n{server.log_text()[-4000:]}"
        with suppress(httpx.HTTPError):
            return httpx.get(url + ready, timeout=2, trust_env=False).status_code == 200
        return False

    try:
        wait_for(answers, timeout_s=BOOT_S)
    except BaseException:
        server.stop()
        raise
    return server


def start_simulator(*, port: int, log: Path, wait_for: Callable[..., object]) -> Server:
    module = "litellm_obs_plugin.demo.providers"
    return start(
        [sys.executable, "-m", module, "--port", str(port), "--profile", "test", "--seed", "7"],
        url=f"http://127.0.0.1:{port}",
        ready="/_sim/totals",
        log=log,
        env={},
        wait_for=wait_for,
    )


def start_proxy(
    *,
    config: Path,
    port: int,
    state_dir: Path,
    log: Path,
    wait_for: Callable[..., object],
    arguments: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Server:
    """LiteLLM's own proxy with *config*."""
    command = str(Path(sys.executable).parent / "litellm")
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return start(
        [command, "--config", str(config), *where, *arguments],
        url=f"http://127.0.0.1:{port}",
        ready="/health/liveliness",
        log=log,
        env={
            "LITELLM_MASTER_KEY": MASTER_KEY,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HF_HUB_OFFLINE": "1",
            "LITELLM_OBS_STATE_DIR": str(state_dir),
            **(env or {}),
        },
        wait_for=wait_for,
    )


@contextmanager
def simulated(
    config_of: Callable[[str], Mapping[str, Any]],
    *,
    directory: Path,
    free_port: Callable[[], int],
    wait_for: Callable[..., object],
    env: Mapping[str, str] | None = None,
) -> Iterator[tuple[Server, Server]]:
    """A proxy and its simulator; *config_of* makes the configuration of the simulator's address."""
    with ExitStack() as running:
        simulator = running.enter_context(
            start_simulator(port=free_port(), log=directory / "sim", wait_for=wait_for)
        )
        config = directory / "config.yaml"
        config.write_text(yaml.safe_dump(config_of(simulator.url)))
        proxy = start_proxy(
            config=config,
            port=free_port(),
            state_dir=directory / "state",
            log=directory / "log",
            wait_for=wait_for,
            env=env,
        )
        yield running.enter_context(proxy), simulator


def write_config(
    template: Path, *, simulator: str, closed: str, to: Path, **changed: Mapping[str, Any]
) -> Path:
    """*template* with real addresses; *changed* sections are updated."""
    text = template.read_text().replace("SIMULATOR", simulator).replace("CLOSED", closed)
    config = yaml.safe_load(text)
    for section, values in changed.items():
        config[section] = {**config[section], **values}
    to.write_text(yaml.safe_dump(config))
    return to
