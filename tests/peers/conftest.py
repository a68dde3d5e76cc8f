from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.langfuse_peer import LangfusePeer
from tests.proxy.conftest import TEMPLATE, Gateway
from tests.proxy.server import Server, start_proxy, start_simulator, write_config

_HERE = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def peer() -> Iterator[LangfusePeer]:
    with LangfusePeer() as running:
        yield running


@pytest.fixture(scope="session")
def simulator(tmp_path_factory, free_port, wait_for) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("simulator") / "log"
    server = start_simulator(port=free_port(), log=log, wait_for=wait_for)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def start_gateway(tmp_path_factory, free_port, simulator, wait_for):
    """Starts proxies with the plugin: ``(env, section={...}) -> Gateway``."""
    running: list[Gateway] = []

    def start(env: dict[str, str], **changed) -> Gateway:
        directory = tmp_path_factory.mktemp("proxy")
        config = write_config(
            TEMPLATE,
            simulator=simulator.url,
            closed=f"http://127.0.0.1:{free_port()}",
            to=directory / "config.yaml",
            **changed,
        )
        proxy = start_proxy(
            config=config,
            port=free_port(),
            state_dir=directory / "state",
            log=directory / "log",
            wait_for=wait_for,
            env={"PYTHONPATH": f"{directory}:{_HERE}", **env},
        )
        running.append(Gateway(proxy=proxy, simulator=simulator, wait_for=wait_for))
        return running[-1]

    yield start
    for gateway in running:
        gateway.close()
        gateway.server.stop()
