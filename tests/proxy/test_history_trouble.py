"""A real proxy whose history cannot be kept: it serves, says so, and what it tells is right."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.proxy import published
from tests.proxy.conftest import TEMPLATE
from tests.proxy.page import Page
from tests.proxy.server import AUTH, BOOT_S, Server, start_proxy, write_config

pytestmark = pytest.mark.proxy

STEP_S = 25.0  # the writer comes every ten seconds
BUSY_S = 60.0  # while another worker boots beside it
EVERYTHING = {"window": "15m", "step": "10s"}


class House:
    """A directory in which proxies are started."""

    def __init__(self, directory: Path, *, simulator: Server, free_port, wait_for) -> None:
        self.state = directory / "state"
        self.history = self.state / "history.sqlite"
        self._directory = directory
        self._simulator = simulator
        self._free_port = free_port
        self.wait_for = wait_for
        self.asked = 0
        self._config = write_config(
            TEMPLATE,
            simulator=simulator.url,
            closed=simulator.url,
            to=directory / "config.yaml",
            litellm_settings={"require_auth_for_metrics_endpoint": False},
        )

    @contextmanager
    def proxy(self, *arguments: str) -> Iterator[Server]:
        port = self._free_port()
        server = start_proxy(
            config=self._config,
            port=port,
            state_dir=self.state,
            log=self._directory / f"log-{port}",
            wait_for=self.wait_for,
            arguments=arguments,
        )
        try:
            yield server
        finally:
            server.stop()

    def ask(self, server: Server, times: int = 2) -> None:
        """Requests that are all answered, and counted at once."""
        message = {"role": "user", "content": "[case:trouble] [tokens:100,50]"}
        body = {"model": "chat", "messages": [message]}
        for _ in range(times):
            url = f"{server.url}/v1/chat/completions"
            assert httpx.post(url, json=body, headers=AUTH, timeout=60).status_code == 200
        self.asked += times
        self.wait_for(lambda: scrape(server) == self.asked)


def scrape(server: Server) -> float:
    found = httpx.get(f"{server.url}/metrics", timeout=30)
    return Page.parse(found.text).total("requests_total")


def read(server: Server, **query: str):
    url = f"{server.url}/api/gateway/metrics"
    answer = httpx.get(url, params=query, headers=AUTH, timeout=30)
    assert answer.status_code == 200, answer.text
    return published.check(answer).json()


def history_of(server: Server) -> tuple[str, str]:
    """The history's status in the health report, and what it says."""
    report = httpx.get(f"{server.url}/health/gateway", headers=AUTH, timeout=30).json()
    found = report["components"]["history"]
    return found["status"], found["message"]


def in_steps(server: Server) -> float:
    steps = read(server, **EVERYTHING)["history"]["requests"]
    return sum(n for n in steps if n is not None)


def written(path: Path) -> float:
    """Requests in the file's rows of ten seconds."""
    query = (
        "SELECT sum(value) FROM litellm_obs_row r JOIN litellm_obs_series s ON s.id = r.series_id"
        " WHERE metric = 'requests_total' AND step_s = 10"
    )
    with closing(sqlite3.connect(path, timeout=10)) as database:
        return database.execute(query).fetchone()[0] or 0


def wait_until_written(house: House) -> None:
    """Every request that was asked stands in the file once."""
    try:
        house.wait_for(lambda: written(house.history) == house.asked, timeout_s=BUSY_S)
    except AssertionError:
        pytest.fail(f"{written(house.history)} written of {house.asked} asked")


@pytest.fixture
def house(tmp_path, simulator, free_port, wait_for) -> House:
    return House(tmp_path, simulator=simulator, free_port=free_port, wait_for=wait_for)


def test_what_happens_to_files(house, wait_for):
    """
    Damage at the start, a place that cannot be written, a full disk, a kill; two on one state.
    """
    house.state.mkdir()
    house.history.write_bytes(b"SQLite format 3\0" + os.urandom(50_000))
    with house.proxy() as server:
        house.ask(server)
        wait_for(lambda: history_of(server)[0] == "degraded", timeout_s=STEP_S)
        (aside,) = house.state.glob("*.damaged")
        assert aside.name in history_of(server)[1]
        assert aside.name in server.log_text()
        aside.unlink()
        wait_for(lambda: history_of(server)[0] == "healthy", timeout_s=STEP_S)
        assert in_steps(server) == house.asked

        for path in house.state.glob("history.sqlite*"):
            path.unlink()
        house.history.mkdir()  # for root, too, a file that cannot be opened
        wait_for(lambda: "unable to open" in history_of(server)[1], timeout_s=STEP_S)
        house.ask(server)
        assert read(server, window="15m")["requests"]["total"] == house.asked
        house.history.rmdir()
        wait_for(lambda: history_of(server)[0] == "healthy", timeout_s=STEP_S)
        house.ask(server)
        assert in_steps(server) == house.asked

        pid = server.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        house.ask(server)
        wait_for(lambda: history_of(server)[0] == "degraded", timeout_s=STEP_S)
        assert "not written" in history_of(server)[1]
        house.ask(server)
        assert in_steps(server) == house.asked
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        wait_for(lambda: history_of(server)[0] == "healthy", timeout_s=STEP_S)
        house.ask(server)
        assert in_steps(server) == house.asked
        os.killpg(pid, signal.SIGKILL)

    with ThreadPoolExecutor(2) as pool, closing(_Both(house, pool)) as both:
        first, second = both.servers
        house.ask(first, 3)
        house.ask(second, 4)
        for server in (first, second):
            assert in_steps(server) == house.asked
            assert history_of(server)[0] == "healthy"
        wait_until_written(house)


class _Both:
    """Two proxies, other ports, one state."""

    def __init__(self, house: House, pool: ThreadPoolExecutor) -> None:
        self._running = [house.proxy(), house.proxy()]
        self.servers = list(pool.map(lambda one: one.__enter__(), self._running))

    def close(self) -> None:
        for one in self._running:
            one.__exit__(None, None, None)


def test_another_worker_takes_over(house, wait_for):
    """
    The one that writes is killed: the other goes on where it ended, and no count is lost or twice.
    """
    with house.proxy("--num_workers", "2", "--run_gunicorn") as server:
        wait_for(lambda: workers(server) == 2, timeout_s=BOOT_S)
        house.ask(server, 6)
        wait_until_written(house)
        house.ask(server, 4)
        killed = writer(house)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: writer(house) not in (killed, 0), timeout_s=BUSY_S)
        wait_until_written(house)
        wait_for(lambda: workers(server) == 2, timeout_s=BOOT_S)
        house.ask(server, 5)
        assert in_steps(server) == house.asked
        wait_until_written(house)
        assert history_of(server)[0] == "healthy"


def workers(server: Server) -> float:
    found = httpx.get(f"{server.url}/metrics", params={"name[]": "llm_gateway_workers"}, timeout=30)
    return Page.parse(found.text).total("workers")


def writer(house: House) -> int:
    """The process that holds the writer's lock, of the kernel's list; 0: nobody."""
    inode = (house.state / "history.lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    return 0
