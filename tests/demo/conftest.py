from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from litellm_obs_plugin.demo.providers import build
from litellm_obs_plugin.demo.server import server


@pytest.fixture(scope="session")
def _simulator_url(free_port, wait_for) -> Iterator[str]:
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
