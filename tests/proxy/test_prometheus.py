"""A real Prometheus scrapes two real proxies, each with its own past."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from litellm_obs_plugin.metrics import fleet
from litellm_obs_plugin.metrics.recorder import Recorder
from litellm_obs_plugin.metrics.worker_file import WorkerFile
from litellm_obs_plugin.record import Operation, Outcome, Request
from tests.prometheus import running_prometheus
from tests.proxy.conftest import TEMPLATE
from tests.proxy.server import AUTH, MASTER_KEY, start_proxy, write_config

pytestmark = [pytest.mark.proxy, pytest.mark.peers]

DURATION = "llm_gateway_request_duration_seconds"
EACH = 10_000


def durations_s(*, median_s: float, seed: int) -> list[float]:
    source = random.Random(seed)
    return [source.lognormvariate(math.log(median_s), 0.7) for _ in range(EACH)]


PASTS = (durations_s(median_s=1.8, seed=1), durations_s(median_s=3.0, seed=2))
EVERY = sorted(value for past in PASTS for value in past)


def live_through(past: list[float], directory: Path) -> None:
    """Leave behind what a worker leaves that has recorded these requests."""
    fleet.prepare(directory)
    file = WorkerFile.create(directory=directory, started_at=1.0)
    recorder = Recorder(file)
    for number, duration_s in enumerate(past):
        recorder.record(
            Request(
                call_id=f"past-{number}",
                received_at=1.0,
                duration_s=duration_s,
                operation=Operation.CHAT,
                stream=False,
                model_group="chat",
                outcome=Outcome.SUCCESS,
            )
        )
    file.close()


@pytest.fixture(scope="module")
def proxies(tmp_path_factory, free_port, simulator, wait_for) -> Iterator[list[str]]:
    with ExitStack() as running:
        urls = []
        for past in PASTS:
            directory = tmp_path_factory.mktemp("instance")
            live_through(past, directory / "state")
            config = write_config(
                TEMPLATE,
                simulator=simulator.url,
                closed=simulator.url,
                to=directory / "config.yaml",
            )
            server = start_proxy(
                config=config,
                port=free_port(),
                state_dir=directory / "state",
                log=directory / "log",
                wait_for=wait_for,
            )
            running.callback(server.stop)
            urls.append(server.url)
        yield urls


@pytest.fixture(scope="module")
def prometheus(proxies, tmp_path_factory, free_port, wait_for):
    body = {
        "model": "chat",
        "messages": [{"role": "user", "content": "[tokens:5,5] [latency:0.2]"}],
    }
    answers = [
        httpx.post(f"{url}/v1/chat/completions", json=body, headers=AUTH, timeout=60)
        for url in proxies
    ]
    with running_prometheus(
        targets=[url.removeprefix("http://") for url in proxies],
        features="native-histograms,exemplar-storage",
        home=tmp_path_factory.mktemp("prometheus"),
        port=free_port(),
        wait_for=wait_for,
        token=MASTER_KEY,
    ) as running:
        wait_for(lambda: running.scraped(2 * EACH + len(proxies)), timeout_s=60)
        running.trace_ids = {answer.headers["x-gateway-trace-id"] for answer in answers}
        yield running


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_quantiles_over_both(prometheus, q):
    exact = EVERY[math.ceil(q * len(EVERY)) - 1]

    found = prometheus.value(f"histogram_quantile({q}, sum({DURATION}))")
    assert found == pytest.approx(exact, rel=0.005)


def test_counters_gauges_and_exemplars_arrive(prometheus):
    """An exemplar leads from a histogram to the trace of a request."""
    assert 2 * EACH + 2 == prometheus.value("sum(llm_gateway_requests_total)")
    assert 2 == prometheus.value("sum(llm_gateway_workers)")
    found = {one["labels"]["trace_id"] for one in prometheus.exemplars(DURATION)}
    assert found
    assert found <= prometheus.trace_ids
