"""The server itself: health, headers, and how many pages it opens."""

import asyncio

import httpx
import pytest

from dashboard_app.config import Config
from dashboard_app.store import Store
from dashboard_app.view import View
from tests.dashboard.fake_gateway import FakeGateway
from tests.dashboard.serving import PATIENCE_S, serving


@pytest.fixture
def store():
    return Store(FakeGateway())


@pytest.fixture
def served(store, free_port):
    """Base URL of a server that allows one page, and frames in one origin."""
    config = Config(
        gateway_url="http://127.0.0.1:1",
        port=free_port(),
        prefix="/gw",
        pages=1,
        frame_ancestors=("https://gateway.example",),
    )
    with serving(config, store) as url:
        yield url


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
