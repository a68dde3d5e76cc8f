"""A proxy whose Langfuse goes away, comes back, and is stopped; and what never leaves it."""

from __future__ import annotations

import json
import logging
import os
import signal
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.peers.langfuse_peer import LangfusePeer
from tests.proxy.server import AUTH

pytestmark = pytest.mark.proxy
log = logging.getLogger(__name__)

OUTAGE_S = float(os.environ.get("LANGFUSE_OUTAGE_S", "4"))
RATE = 15.0  # requests per second, on a machine that also runs simulator, peer and other tests
SETTINGS = {"flush_interval_s": 0.2, "timeout_s": 1.0, "queue_items": 60}


@pytest.fixture(scope="module")
def peer(free_port):
    """Stands on a port of its own, so that it can go away and come back."""
    running = LangfusePeer(port=free_port())
    running.__enter__()
    yield running
    running.__exit__()


def ask(client: httpx.Client, text: str = "[tokens:5,5]", **more) -> httpx.Response:
    body = {"model": "chat", "messages": [{"role": "user", "content": text}], **more}
    return client.post("/v1/chat/completions", json=body)


def latencies(client: httpx.Client, seconds: float) -> list[float]:
    """Of a steady load: each request starts on time, however long the others take."""
    pause, found = threading.Event(), list[float]()

    def one() -> None:
        began = time.perf_counter()
        assert ask(client).status_code == 200
        found.append(time.perf_counter() - began)

    with ThreadPoolExecutor(16) as pool:
        began, futures = time.monotonic(), []
        for n in range(int(seconds * RATE)):
            pause.wait(max(began + n / RATE - time.monotonic(), 0))
            futures.append(pool.submit(one))
        for future in futures:
            future.result()
    return found


def component(gateway) -> dict:
    return gateway.client.get("/health/gateway").json()["components"]["langfuse"]


def test_an_outage(start_gateway, peer, wait_for):
    """Requests do not notice, the queue is bounded, drops are counted, and it is over in 10 s."""
    section = {"langfuse": SETTINGS, "health": {"interval_s": 1}}
    gateway = start_gateway(peer.env(), callback_settings={"litellm_obs": section})
    gateway.warm_up()
    latencies(gateway.client, 2)
    before = latencies(gateway.client, 4)
    wait_for(lambda: gateway.scrape().total("langfuse_queue_items") == 0)
    assert component(gateway)["status"] == "healthy"
    start = gateway.scrape()

    peer.__exit__()
    away = latencies(gateway.client, OUTAGE_S)
    page = gateway.scrape().since(start)
    sick = wait_for(lambda: (c := component(gateway))["status"] == "unhealthy" and c)
    back = LangfusePeer(port=peer.port)
    back.__enter__()
    try:
        returned = time.monotonic()
        wait_for(lambda: gateway.scrape().total("langfuse_queue_items") == 0, timeout_s=10)
        assert time.monotonic() - returned < 10
        wait_for(
            lambda: (
                "last answer" in (c := component(gateway))["message"] and c["status"] != "unhealthy"
            )
        )
    finally:
        back.__exit__()

    # The faster ones: what else the machine does now slows the slower ones.
    fast, fast_away = (statistics.quantiles(some, n=10)[0] for some in (before, away))
    log.info("fastest tenth below %.4f s, %.4f s away", fast, fast_away)
    assert fast_away <= fast * 1.5 + 0.02
    assert "cannot be reached" in sick["message"]
    assert page.total("langfuse_queue_items") <= SETTINGS["queue_items"]
    total = 2 * len(away)
    dropped = page.total("langfuse_observations_total", result="queue_full")
    assert dropped >= total - 2 * SETTINGS["queue_items"] - 20
    done = gateway.scrape().since(start)
    wait_for(lambda: gateway.scrape().since(start).total("langfuse_observations_total") == total)
    assert done.total("langfuse_observations_total", result="queue_full") == dropped
    assert gateway.server.log_text().count("Langfuse does not take traces now") == 1


def test_sigterm_loses_nothing(start_gateway, wait_for):
    """1,000 trees wait when the signal comes."""
    with LangfusePeer() as peer:
        section = {"langfuse": {"flush_interval_s": 60, "shutdown_s": 8}}
        gateway = start_gateway(peer.env(), callback_settings={"litellm_obs": section})
        peer.fault = 503  # what is sent before the signal comes back
        with ThreadPoolExecutor(8) as pool:
            for answer in pool.map(lambda _: ask(gateway.client, model="none"), range(800)):
                assert answer.status_code == 400
            for answer in pool.map(lambda _: ask(gateway.client), range(200)):
                assert answer.status_code == 200
        wait_for(lambda: gateway.scrape().total("requests_total") == 1000)
        wait_for(lambda: "1000 traces wait" in component(gateway)["message"])
        assert not peer.records

        peer.recover()
        began = time.monotonic()
        os.killpg(gateway.server.process.pid, signal.SIGTERM)
        gateway.server.process.wait(30)

        log.info("stopped after %.1f s", time.monotonic() - began)
        assert len(peer.trace_ids()) == 1000
        assert sum(r.type == "GENERATION" for r in peer.records) == 200


def test_no_secret_leaves(start_gateway, wait_for):
    """A secret in every field that a caller, the operator or a provider fills in."""
    secret = "sk-planted-5ecret5"
    with LangfusePeer() as peer:
        section = {"langfuse": {"flush_interval_s": 0.1}}
        gateway = start_gateway(
            peer.env(),
            callback_settings={"litellm_obs": section},
            litellm_settings={"redact_user_api_key_info": False},
        )
        hidden = {"a": [secret], secret: secret, "headers": {"authorization": secret}}
        texts = f"{secret} [tokens:5,5]"
        more = {
            "metadata": {
                "spend_logs_metadata": hidden,
                "requester": secret,
                "nested": hidden,
                **dict.fromkeys(("trace_name", "session_id", "trace_user_id"), f"my {secret}"),
                "tags": [secret, f"key:{secret}"],
                "generation_name": secret,
            },
            "user": secret,
            "stop": [secret],
            "logit_bias": {"1": 1},
            "tools": [{"type": "function", "function": {"name": "f", "description": secret}}],
        }
        with httpx.Client(
            base_url=gateway.server.url,
            headers={**AUTH, "x-planted": secret, "cookie": f"k={secret}", "user-agent": secret},
            timeout=60,
            trust_env=False,
        ) as client:
            assert ask(client, texts, **more).status_code == 200
            assert "[DONE]" in ask(client, texts, stream=True, **more).text
            for fault in ("400", "401", "500", "timeout"):
                ask(client, f"{texts} [fault:*={fault}]", **more)
            ask(client, texts, model=f"none-{secret}")
            ask(client, texts, model="wild/none", api_key=secret)
            bad = {"authorization": f"Bearer {secret}-wrong"}
            client.post("/v1/chat/completions", json={"model": "chat"}, headers=bad)
        wait_for(lambda: gateway.scrape().total("requests_total") >= 8)
        wait_for(lambda: len(peer.trace_ids()) >= 8)

        told = json.dumps([[r.name, r.attributes] for r in peer.records])
        assert secret not in told
        assert "5ecret5" not in told
        assert AUTH["authorization"].removeprefix("Bearer ") not in told
