import asyncio

import httpx
import pytest

from dashboard_app.client import GatewayClient, MetricsError
from dashboard_app.store import Store
from dashboard_app.view import View
from tests.dashboard.fake_gateway import FakeGateway, metrics


def client(answer) -> GatewayClient:
    transport = httpx.MockTransport(answer)
    return GatewayClient(url="http://gateway", key="sk-1", transport=transport)


async def test_optional_answers_may_be_missing():
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/gateway/metrics":
            assert "Bearer sk-1" == request.headers["authorization"]
            return httpx.Response(200, json=metrics())
        return httpx.Response(404, json={"detail": "Not Found"})

    async with client(answer) as asking:
        reading = await asking.read(View())

    assert 17_100 == reading.metrics["requests"]["total"]
    assert [] == reading.failovers
    assert {} == reading.circuits


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(503), "The gateway answered HTTP 503"),
        (httpx.Response(401), "refused the dashboard's key"),
        (httpx.Response(200, text="<html>", headers={"content-type": "text/html"}), "text/html"),
        (httpx.Response(200, json={"schemaVersion": 2}), "schema 2"),
    ],
)
async def test_a_useless_answer_is_named(response, words):
    async with client(lambda _: response) as asking:
        with pytest.raises(MetricsError, match=words):
            await asking.read(View())


async def test_a_gateway_that_is_away():
    def answer(request: httpx.Request) -> httpx.Response:
        msg = "refused"
        raise httpx.ConnectError(msg)

    async with client(answer) as asking:
        with pytest.raises(MetricsError, match="cannot be reached"):
            await asking.read(View())


class TestStore:
    async def test_fifty_pages_cost_one_reading(self):
        gateway = FakeGateway()
        store = Store(gateway)
        seen = []
        listeners = [lambda frame, n=n: seen.append((n, frame.failures)) for n in range(50)]
        for listener in listeners:
            store.subscribe(View(span="1h"), listener)

        await store.poll_once(View(span="1h"))

        assert 1 == gateway.asked
        assert 50 == len(seen)

    async def test_the_last_good_reading_stays(self):
        gateway = FakeGateway()
        store = Store(gateway, clock=lambda: 100.0)
        await store.poll_once(View(span="1h"))
        gateway.error = "The gateway answered HTTP 503"

        frame = await store.poll_once(View(span="1h"))

        assert 17_100 == frame.reading.metrics["requests"]["total"]
        assert "The gateway answered HTTP 503" == frame.error
        assert (100.0, 1) == (frame.fetched_at, frame.failures)
        gateway.error = None
        assert (await store.poll_once(View(span="1h"))).error is None

    async def test_who_has_left_is_not_told(self):
        store = Store(FakeGateway())
        seen = []
        store.subscribe(View(span="1h"), seen.append)
        store.unsubscribe(seen.append)

        await store.poll_once(View(span="1h"))

        assert [] == seen
        assert 0 == store.watchers

    async def test_a_page_that_fails_does_not_stop_the_others(self, caplog):
        store = Store(FakeGateway())
        seen = []

        def fail(frame):
            raise RuntimeError

        store.subscribe(View(span="1h"), fail)
        store.subscribe(View(span="1h"), seen.append)

        await store.poll_once(View(span="1h"))

        assert 1 == len(seen)
        assert 1 == store.watchers

    async def test_a_body_that_lacks_what_is_needed_is_told(self):
        gateway = FakeGateway({"schemaVersion": 1})

        frame = await Store(gateway).poll_once(View(span="1h"))

        assert "could not be read" in frame.error

    async def test_it_polls_until_cancelled(self):
        gateway = FakeGateway()
        store = Store(gateway, interval_s=0.01)
        thrice = asyncio.Event()
        store.subscribe(View(span="1h"), lambda _: thrice.set() if gateway.asked >= 3 else None)
        task = asyncio.create_task(store.run())

        await asyncio.wait_for(thrice.wait(), 10)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert store.age_s() >= 0
