"""Several workers of one proxy: any of them answers for all, whatever dies."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.proxy.conftest import TEMPLATE
from tests.proxy.page import Page
from tests.proxy.server import AUTH, Server, start_proxy, write_config

pytestmark = pytest.mark.proxy

SERVERS = {
    # On a busy machine a worker that boots is silent for longer than the five seconds it is given.
    "uvicorn": ("--timeout_worker_healthcheck", "60"),
    "gunicorn": ("--run_gunicorn",),
    "granian": ("--run_granian",),
}


@contextmanager
def running(kind, *, directory: Path, port: int, simulator: Server, wait_for) -> Iterator[Server]:
    config = write_config(
        TEMPLATE,
        simulator=simulator.url,
        closed=simulator.url,
        to=directory / "config.yaml",
        litellm_settings={"require_auth_for_metrics_endpoint": False},
    )
    server = start_proxy(
        config=config,
        port=port,
        state_dir=directory / "state",
        log=directory / "log",
        wait_for=wait_for,
        arguments=("--num_workers", "2", *SERVERS[kind]),
    )
    try:
        yield server
    finally:
        server.stop()


def scrape(server: Server) -> Page:
    """A page over a connection of its own, so that any worker may take it; it needs no key here."""
    return Page.parse(httpx.get(f"{server.url}/metrics", timeout=30).text)


def ask(server: Server, case: str) -> bool:
    body = {
        "model": "chat",
        "messages": [{"role": "user", "content": f"[case:{case}] [tokens:10,5]"}],
    }
    with suppress(httpx.HTTPError):
        url = f"{server.url}/v1/chat/completions"
        return httpx.post(url, json=body, headers=AUTH, timeout=60).status_code == 200
    return False


def workers(directory: Path) -> list[int]:
    """The pids of workers that record, by their files."""
    return [int(path.name.split("-")[0]) for path in (directory / "state").glob("*.worker")]


def living_worker(directory: Path) -> int:
    """The pid of one that lives; files of the dead stay until the next worker folds them."""
    return next(pid for pid in workers(directory) if Path(f"/proc/{pid}").exists())


def sent_calls(simulator: Server, case: str) -> int:
    calls = httpx.get(f"{simulator.url}/_sim/calls", params={"case": case}).json()
    return len(calls)


@pytest.mark.parametrize("kind", SERVERS)
def test_every_scrape_is_complete(kind, tmp_path, free_port, simulator, wait_for):
    """200 requests over two workers: twenty scrapes, each with all of them."""
    case = f"workers-{kind}"
    with running(
        kind, directory=tmp_path, port=free_port(), simulator=simulator, wait_for=wait_for
    ) as server:
        wait_for(lambda: scrape(server).total("workers") == 2, timeout_s=60)
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(lambda _: ask(server, case), range(200)))

        wait_for(lambda: scrape(server).total("requests_total") == 200)
        pages = [scrape(server) for _ in range(20)]

        assert {200.0} == {page.total("requests_total", outcome="success") for page in pages}
        assert {200.0 * 15} == {page.total("tokens_total") for page in pages}
        assert {200.0} == {page.total("request_duration_seconds_count") for page in pages}
        assert sent_calls(simulator, case) == 200
        assert len(set(workers(tmp_path))) == 2


@contextmanager
def under_load(server: Server, case: str) -> Iterator[list[bool]]:
    """Four callers without pause; yields the list that their successes go to."""
    answered: list[bool] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            answered.append(ask(server, case))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_killed_workers_lose_nothing(tmp_path, free_port, simulator, wait_for):
    """Two workers die under load (SIGKILL): no counter falls, what was counted stays."""
    case = "killed"
    totals = [0.0]
    with running(
        "gunicorn", directory=tmp_path, port=free_port(), simulator=simulator, wait_for=wait_for
    ) as server:

        def grown(least: float) -> bool:
            with suppress(httpx.HTTPError):
                totals.append(scrape(server).total("requests_total", outcome="success"))
            return totals[-1] >= least

        def both_live() -> bool:
            with suppress(httpx.HTTPError):
                return scrape(server).total("workers") == 2
            return False

        wait_for(both_live, timeout_s=60)
        with under_load(server, case) as answered:
            for _ in range(2):
                wait_for(lambda least=totals[-1] + 20: grown(least), timeout_s=60)
                os.kill(living_worker(tmp_path), signal.SIGKILL)
                wait_for(lambda least=totals[-1] + 20: grown(least), timeout_s=60)
                wait_for(both_live, timeout_s=60)
        wait_for(lambda: grown(0) and totals[-1] == totals[-2])

        assert totals == sorted(totals)
        # A killed worker may have answered what it had not yet counted: the last few in flight.
        assert sum(answered) - 8 <= totals[-1] <= sent_calls(simulator, case)
