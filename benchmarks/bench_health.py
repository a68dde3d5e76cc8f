"""Asking for health while providers are probed.

Budget: 1,000 questions or more with a p99 of 5 ms in the handler, and no probe started by them. The
providers are real sockets that answer late, the prober runs all the time, and the proxy's auth is a
stand-in: what is measured is ours. *In the handler* is our route's function alone; *in the
application* adds FastAPI's routing and dependencies, and whatever the machine does meanwhile.
"""

import asyncio
import multiprocessing
import statistics
import time
from functools import wraps
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from litellm_obs_plugin.health.board import Board
from litellm_obs_plugin.health.component import NotConfigured, StateFacts
from litellm_obs_plugin.health.monitor import Inputs, Monitor
from litellm_obs_plugin.health.prober import Prober
from litellm_obs_plugin.health.round import Manner
from litellm_obs_plugin.host import access
from litellm_obs_plugin.metrics.election import Election
from litellm_obs_plugin.routes.health import health_router
from tests.health.house import FakeHost, FakeReader, target
from tests.health.upstream import Upstream

QUESTIONS = 1000
PROVIDERS = 20
INTERVAL_S = 1.0
_ROUNDS = 2  # of probes, at least, that fall into the questions


def serve(pipe):
    with Upstream(port=0, delay_s=0.1) as one:
        pipe.send(one.base)
        pipe.recv()


@pytest.fixture
def base():
    """The providers' address; they live in a process of their own, as elsewhere."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    assert ours.poll(60)
    yield ours.recv()
    ours.send("stop")
    process.join(10)


@pytest.fixture
def prober(tmp_path, base):
    """Twenty addresses, probed as often as the settings allow: once a second."""
    targets = [target(str(n), base=f"{base}/{n}") for n in range(PROVIDERS)]
    prober = Prober(
        targets=lambda: targets,
        board=Board(tmp_path),
        election=Election(tmp_path / "probe.lock"),
        manner=Manner(timeout_s=2.0, clock=time.time),
        interval_s=INTERVAL_S,
        failed=lambda _: None,
    )
    yield prober
    prober.close()


@pytest.fixture
def monitor(prober, tmp_path):
    inputs = Inputs(
        host=FakeHost(listed=[target(str(n)) for n in range(PROVIDERS)]),
        reader=FakeReader(),
        probes=Board(tmp_path).read,
        state=StateFacts,
        sources={"langfuse": NotConfigured(), "history": NotConfigured()},
    )
    return Monitor(
        inputs=inputs,
        prober=prober,
        interval_s=INTERVAL_S,
        version="0",
        failed=lambda _: None,
        clock=time.time,
    )


@pytest.fixture
def app(monitor):
    """Our health route. ``app.state.handled`` has the seconds of each call of the handler alone."""
    app = FastAPI()
    app.state.handled = []
    for route in health_router(SimpleNamespace(health=monitor, roles=("proxy_admin",))).routes:
        app.add_api_route(route.path, timed(route.endpoint, app.state.handled))
    user = SimpleNamespace(user_role="proxy_admin", allowed_routes=[])

    async def authenticate():  # as the proxy's own, on the event loop and not in a thread
        return user

    app.dependency_overrides[access.user_api_key_auth] = authenticate
    return app


def timed(handle, seconds):
    """*handle* that adds to *seconds* how long each call took."""

    @wraps(handle)
    async def measure(*arguments, **named):
        at_s = time.perf_counter()
        try:
            return await handle(*arguments, **named)
        finally:
            seconds.append(time.perf_counter() - at_s)

    return measure


async def ask(app, monitor, prober, times):
    """Seconds of each answer of the application, and the rounds and seconds that passed."""
    running = [asyncio.create_task(monitor.run()), asyncio.create_task(monitor.run_probes())]
    seconds = []

    transport = httpx.ASGITransport(app=timed(app.__call__, seconds))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            while prober.rounds == 0:  # noqa: ASYNC110 rounds end in a thread
                await asyncio.sleep(0.01)
            before, begun_s = prober.rounds, time.monotonic()
            while len(seconds) < times or prober.rounds < before + _ROUNDS:
                answer = await client.get("/health/gateway")
                assert answer.status_code == 200
                await asyncio.sleep(0)  # nothing in a question waits: others would never run
            return seconds, prober.rounds - before, time.monotonic() - begun_s
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


@pytest.mark.benchmark(group="budget 5 ms p99")
def test_a_thousand_questions(benchmark, app, monitor, prober):
    times = QUESTIONS if benchmark.enabled else 50
    seconds, rounds, lasted_s = benchmark.pedantic(
        lambda: asyncio.run(ask(app, monitor, prober, times)), rounds=1
    )

    handled = app.state.handled
    assert len(handled) == len(seconds) >= times
    benchmark.extra_info["measured"] = p99_ms(handled)
    print(f"\n{len(seconds)} questions, {rounds} rounds of probes in {lasted_s:.1f} s")
    for where, found in (("in the handler", handled), ("in the application", seconds)):
        median_ms = statistics.median(found) * 1000
        print(f"{where}: median {median_ms:.3f} ms, p99 {p99_ms(found):.3f} ms")
    assert rounds <= lasted_s / (0.9 * INTERVAL_S) + 1


def p99_ms(seconds):
    return sorted(seconds)[int(0.99 * len(seconds))] * 1000
