from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from litellm_obs_plugin.demo.providers import build
from litellm_obs_plugin.demo.server import server


def pytest_configure(config):
    config.addinivalue_line("markers", "proxy: starts a real LiteLLM proxy (about 20 s)")


def wait_for(condition: Callable[[], object], *, timeout_s: float = 10) -> object:
    """The first true value of *condition*; fails after *timeout_s* seconds."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)
    return value


@pytest.fixture(name="wait_for", scope="session")
def _wait_for():
    return wait_for


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return find


@pytest.fixture(scope="session")
def _simulator_url(free_port) -> Iterator[str]:
    port = free_port()
    simulator = server(build(profile="test", seed=7), port=port)
    thread = threading.Thread(target=simulator.run)
    thread.start()
    wait_for(lambda: simulator.started)
    yield f"http://127.0.0.1:{port}"
    simulator.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def simulator(_simulator_url) -> Iterator[httpx.Client]:
    """A client of a real server, with an empty ledger."""
    with httpx.Client(base_url=_simulator_url, timeout=20, trust_env=False) as client:
        client.post("/_sim/reset")
        yield client


@pytest.fixture
def calls(simulator, wait_for) -> Callable[..., list[dict]]:
    """The calls of a case, once there are at least *n*."""

    def read(case: str, *, n: int = 1) -> list[dict]:
        def enough() -> list[dict] | None:
            found = simulator.get("/_sim/calls", params={"case": case}).json()
            return found if len(found) >= n else None

        return wait_for(enough)

    return read
