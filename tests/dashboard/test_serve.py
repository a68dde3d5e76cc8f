"""The server itself: health, headers, and how many pages it opens."""

import asyncio
import threading

import httpx
import pytest

from dashboard_app.config import Config
from dashboard_app.serve import start
from dashboard_app.store import Store
from dashboard_app.view import View
from tests.dashboard.fake_gateway import FakeGateway

PATIENCE_S = 60


@pytest.fixture
def store():
    return Store(FakeGateway())


@pytest.fixture
def served(store, free_port):
    """Base URL of a server that allows one page, and frames in one origin."""
    port, started, ready = free_port(), [], threading.Event()

    def run():
        asyncio.set_event_loop(asyncio.new_event_loop())
        config = Config(
            gateway_url="http://127.0.0.1:1",
            port=port,
            prefix="/gw",
            pages=1,
            frame_ancestors=("https://gateway.example",),
        )
        started.append(start(config, store))
        started[0].io_loop.add_callback(ready.set)
        started[0].io_loop.start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    yield f"http://127.0.0.1:{port}/gw"
    started[0].io_loop.add_callback(started[0].io_loop.stop)
    thread.join(PATIENCE_S)


def test_the_server(store, served):
    assert 503 == httpx.get(f"{served}/healthz", timeout=PATIENCE_S).status_code
    asyncio.run(store.poll_once(View()))
    health = httpx.get(f"{served}/healthz", timeout=PATIENCE_S)
    assert 200 == health.status_code
    assert 0 <= health.json()["lastReadingAgeSeconds"] < 60

    page = httpx.get(f"{served}/", timeout=PATIENCE_S)
    assert 'aria-label="Requests"' in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert policy.endswith("frame-ancestors https://gateway.example")
    assert "nosniff" == page.headers["x-content-type-options"]

    store.subscribe(View(), lambda _: None)
    full = httpx.get(f"{served}/", timeout=PATIENCE_S)
    assert 'aria-label="Requests"' not in full.text
