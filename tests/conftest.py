"""What every suite shares: waiting for conditions, free ports, a simulator."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.postgres import Postgres

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # before anything imports litellm: no network


def _wait_for(condition: Callable[[], object], *, timeout_s: float = 10) -> object:
    """The first true value of *condition*; fails after *timeout_s* seconds."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not come true"
        threading.Event().wait(0.02)
    return value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def wait_for():
    return _wait_for


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return _free_port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all; each test makes a database of its own."""
    server = Postgres(_free_port())
    yield server
    server.stop()
