from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import sync_playwright

from tests.proxy import published
from tests.proxy.browsing import CHROMIUM, FLAGS, Visits
from tests.proxy.page import Page
from tests.proxy.server import AUTH, BOOT_S, Server, start_proxy, start_simulator, write_config

TEMPLATE = Path(__file__).parent / "proxy_config.yaml"
PAIR_MAX_SERIES = 40
_cases = itertools.count(1)


@dataclass(slots=True)
class Observation:
    """What one scenario changed: *page* on /metrics, *calls* in the simulator's ledger."""

    case: str
    page: Page = field(default_factory=lambda: Page({}))
    calls: list[dict[str, Any]] = field(default_factory=list)


class Gateway:
    """The proxy, the simulator behind it, and the questions that tests ask of both."""

    def __init__(self, *, proxy: Server, simulator: Server, wait_for: Callable[..., Any]) -> None:
        self.server = proxy
        self.client = httpx.Client(
            base_url=proxy.url,
            headers=AUTH,
            timeout=60,
            trust_env=False,
            follow_redirects=False,
            event_hooks={"response": [published.check]},
        )
        self.simulator = httpx.Client(base_url=simulator.url, timeout=20, trust_env=False)
        self._wait_for = wait_for

    def close(self) -> None:
        self.client.close()
        self.simulator.close()

    def warm_up(self) -> None:
        """The first call of a kind takes LiteLLM seconds of imports, on the clock of an attempt."""
        for model in ("chat", "backup", "claude"):
            for stream in (False, True):
                messages = [{"role": "user", "content": "[tokens:1,1]"}]
                body = {"model": model, "messages": messages, "stream": stream}
                assert self.client.post("/v1/chat/completions", json=body).status_code == 200
        self._wait_for(lambda: self.scrape().total("requests_total") == 6)

    def scrape(self) -> Page:
        answer = self.client.get("/metrics")
        assert answer.status_code == 200
        return Page.parse(answer.text)

    def json(self, **query: str) -> dict[str, Any]:
        """The gateway's metrics."""
        return self.ask("/api/gateway/metrics", **query)

    @cached_property
    def metrics_schema(self) -> Draft202012Validator:
        self.json(window="1m")
        return published.validator("/api/gateway/metrics")

    def ask(self, path: str, **query: str) -> Any:
        """A JSON route's answer, which is as the proxy's own OpenAPI page says."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def observe(
        self, act: Callable[[str], object], *, requests: int = 1, calls: int = 1
    ) -> Observation:
        """What *act* (given the name of its case) did, once *requests* requests are counted."""
        seen = Observation(case=f"case-{next(_cases)}")
        before = self.scrape()
        act(seen.case)

        def counted() -> bool:
            seen.page = self.scrape().since(before)
            return seen.page.total("requests_total") >= requests

        self._wait_for(counted, timeout_s=15)
        self._wait_for(lambda: len(self.calls(seen.case)) >= calls)
        seen.calls = self.calls(seen.case)
        return seen

    def calls(self, case: str) -> list[dict[str, Any]]:
        return self.simulator.get("/_sim/calls", params={"case": case}).json()


@pytest.fixture(scope="session")
def simulator(tmp_path_factory, free_port, wait_for) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("simulator") / "log"
    yield from _run_simulator(port=free_port(), log=log, wait_for=wait_for)


@pytest.fixture(scope="session")
def proxy(tmp_path_factory, free_port, simulator, wait_for) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("proxy")
    closed = f"http://127.0.0.1:{free_port()}"
    config = write_config(
        TEMPLATE, simulator=simulator.url, closed=closed, to=directory / "config.yaml"
    )
    server = start_proxy(
        config=config,
        port=free_port(),
        state_dir=directory / "state",
        log=directory / "log",
        wait_for=wait_for,
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gateway(proxy, simulator, wait_for) -> Iterator[Gateway]:
    asking = Gateway(proxy=proxy, simulator=simulator, wait_for=wait_for)
    asking.warm_up()
    yield asking
    asking.close()


@pytest.fixture(scope="session")
def pair_simulator(tmp_path_factory, free_port, wait_for) -> Iterator[Server]:
    """Its ledger has the calls of the pair alone."""
    log = tmp_path_factory.mktemp("pair-simulator") / "log"
    yield from _run_simulator(port=free_port(), log=log, wait_for=wait_for)


@pytest.fixture(scope="session")
def pair(tmp_path_factory, free_port, pair_simulator, wait_for) -> Iterator[Server]:
    """Two workers, LiteLLM's own `prometheus` callback and OpenTelemetry's histograms beside us.

    A witness notes LiteLLM's own `response_cost` in the file of that name beside the log.
    """
    directory = tmp_path_factory.mktemp("pair")
    shutil.copy(Path(__file__).with_name("witness.py"), directory)
    config = write_config(
        TEMPLATE,
        simulator=pair_simulator.url,
        closed=f"http://127.0.0.1:{free_port()}",
        to=directory / "config.yaml",
        litellm_settings={
            "require_auth_for_metrics_endpoint": False,
            "callbacks": ["litellm_obs_plugin.proxy_callback", "prometheus", "witness.witness"],
        },
    )
    (directory / "multiproc").mkdir()
    server = start_proxy(
        config=config,
        port=free_port(),
        state_dir=directory / "state",
        log=directory / "log",
        wait_for=wait_for,
        arguments=("--num_workers", "2", "--run_gunicorn"),
        env={
            "LITELLM_OBS_MAX_SERIES": str(PAIR_MAX_SERIES),
            "LITELLM_OBS_GEN_AI_COMPAT": "true",
            "PROMETHEUS_MULTIPROC_DIR": str(directory / "multiproc"),
            "WITNESS": str(directory / "witnessed"),
        },
    )
    try:
        wait_for(lambda: _workers(server) == 2, timeout_s=BOOT_S)
        yield server
    finally:
        server.stop()


def _workers(server: Server) -> float:
    with suppress(httpx.HTTPError):
        answer = httpx.get(f"{server.url}/metrics", params={"name[]": "llm_gateway_workers"})
        return Page.parse(answer.text).total("workers")
    return 0


def _run_simulator(*, port: int, log: Path, wait_for: Callable[..., Any]) -> Iterator[Server]:
    server = start_simulator(port=port, log=log, wait_for=wait_for)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    assert Path(CHROMIUM).exists(), "make tools installs Chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visits(browser) -> Iterator[Visits]:
    opened = Visits(browser)
    yield opened
    opened.close()
