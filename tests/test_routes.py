"""The HTTP glue in process, with a stand-in for the proxy's auth; tests/proxy has the real one."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import threading
from types import SimpleNamespace

import httpx
import litellm
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from litellm_obs_plugin.gateway_api.window import build_window
from litellm_obs_plugin.health.component import NotConfigured
from litellm_obs_plugin.health.state_files import StateFiles
from litellm_obs_plugin.host import access
from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.host.watch import build_monitor
from litellm_obs_plugin.ledger.book import LedgerWriter
from litellm_obs_plugin.ledger.selection import Found
from litellm_obs_plugin.metrics.shared_reader import SharedReader
from litellm_obs_plugin.record import Operation, Outcome, Request
from litellm_obs_plugin.routes import gateway
from litellm_obs_plugin.routes.fleet_reading import PLACES, THREADS
from litellm_obs_plugin.routes.register import register
from litellm_obs_plugin.routes.surfaces import Surfaces
from litellm_obs_plugin.sections import HealthSettings
from litellm_obs_plugin.slo.promises import Promises, since_start
from tests.fake_state import NOW, Ledger, State

PAGES = ["/metrics", "/metrics/"]
JSON = ["/api/gateway/metrics", "/api/gateway/requests", "/api/gateway/failovers"]
ADMIN = SimpleNamespace(user_role="proxy_admin", allowed_routes=[])


@pytest.fixture
def errors():
    return []


@pytest.fixture
def state():
    return State()


@pytest.fixture
def surfaces(state, errors, tmp_path):
    reader = SharedReader(state.read)
    yield Surfaces(
        reader=reader,
        ledger=Ledger(tmp_path),
        answers=Answers(),
        archive=lambda: None,
        fleet_archive=lambda: None,
        roles=("proxy_admin",),
        schema=5,
        labels=(),
        health=build_monitor(
            HealthSettings(probe="off"),
            state_dir=tmp_path,
            state_files=StateFiles(tmp_path, is_recording=lambda: True),
            directory=Directory(),
            reader=reader,
            sources={"langfuse": NotConfigured(), "history": NotConfigured()},
            count_error=errors.append,
            clock=lambda: NOW,
            version="0",
        ),
        replace_health=False,
        budgets=(),
        promises=Promises(objectives=(), past=since_start),
        reconciler=None,
        host_families=lambda: (),
        count_error=errors.append,
        scraped=lambda _: None,
        clock=lambda: NOW,
    )
    reader.close()


@pytest.fixture
def user():
    """The key's owner, as the proxy's auth would say; tests make it another."""
    return SimpleNamespace(**vars(ADMIN))


@pytest.fixture
def app(surfaces, user, monkeypatch):
    async def known(**_):
        return user

    app = FastAPI()
    app.dependency_overrides[access.user_api_key_auth] = lambda: user
    register(app, surfaces)
    monkeypatch.setattr(access, "user_api_key_auth", known)  # the page asks it itself
    return app


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://gateway", headers={"accept-encoding": "identity"}
    ) as client:
        yield client


def test_routes_are_added_once(surfaces):
    app = FastAPI()

    assert register(app, surfaces)
    before = len(app.router.routes)
    assert not register(app, surfaces)
    assert before == len(app.router.routes)


def test_applications_share_nothing(surfaces):
    assert [True, True] == [register(FastAPI(), surfaces) for _ in range(2)]


def operations(app):
    """(path and method, what the schema says of it) for each of our routes."""
    return {
        f"{method} {path}": told
        for path, methods in app.openapi()["paths"].items()
        for method, told in methods.items()
    }


def test_the_schema_names_every_route(app):
    assert {*JSON, "/metrics", "/api/llm", "/health/gateway"} <= set(app.openapi()["paths"])
    assert {"get /api/llm", "post /api/llm", "post /api/llm/chat/completions"} <= set(
        operations(app)
    )


def test_the_schema_explains_every_route_and_parameter(app):
    for name, told in operations(app).items():
        assert told["description"], name
        for parameter in told.get("parameters", ()):
            assert parameter.get("description"), (name, parameter["name"])


def test_every_route_has_an_example_that_its_schema_allows(app):
    """The stream has none: its events are the JSON of the other route."""
    components = app.openapi()["components"]
    without = []
    for name, told in operations(app).items():
        told = told["responses"]["200"].get("content", {})
        if "example" not in next(iter(told.values()), {}):
            without.append(name)
        for media in told.values():
            if "schema" in media and "example" in media:
                Draft202012Validator({**media["schema"], "components": components}).validate(
                    media["example"]
                )

    assert ["get /api/gateway/metrics/stream"] == without


@pytest.mark.parametrize("path", [*PAGES, *JSON])
async def test_who_may_read_is_answered(client, path):
    assert 200 == (await client.get(path)).status_code


@pytest.mark.parametrize("path", [*PAGES, *JSON])
async def test_who_may_not_is_refused(client, user, path):
    user.user_role = "internal_user"

    answer = await client.get(path)

    assert 403 == answer.status_code
    assert "expected a key with role proxy_admin" in answer.text


@pytest.mark.parametrize("path", [*PAGES, *JSON])
async def test_a_key_that_lists_the_path_is_answered(client, user, path):
    user.user_role = "internal_user"
    user.allowed_routes = [path.rstrip("/")]

    assert 200 == (await client.get(path)).status_code


async def test_a_public_page_asks_for_no_key(client, user, monkeypatch):
    monkeypatch.setattr(litellm, "require_auth_for_metrics_endpoint", False, raising=False)
    user.user_role = None

    assert 200 == (await client.get("/metrics")).status_code
    assert 403 == (await client.get("/api/gateway/metrics")).status_code


async def test_the_key_reaches_the_proxys_auth_whatever_header_it_is_in(app, client, monkeypatch):
    seen = {}

    async def noted(**given):
        seen.update(given)
        return ADMIN

    monkeypatch.setattr(access, "user_api_key_auth", noted)
    names = {
        "Authorization": "api_key",
        "API-Key": "azure_api_key_header",
        "x-api-key": "anthropic_api_key_header",
        "x-goog-api-key": "google_ai_studio_api_key_header",
        "Ocp-Apim-Subscription-Key": "azure_apim_header",
        "x-litellm-api-key": "custom_litellm_key_header",
    }

    await client.get("/metrics", headers={header: f"key in {header}" for header in names})

    assert {a: f"key in {h}" for h, a in names.items()} == {a: seen[a] for a in names.values()}


async def test_the_page(client):
    answer = await client.get("/metrics")

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert "Accept, Accept-Encoding" == answer.headers["vary"]
    assert 'outcome="success"} 3.0\n' in answer.text


@pytest.mark.parametrize(
    ("accept", "begins"),
    [
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
        (
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            "encoding=delimited",
            "application/vnd.google.protobuf",
        ),
    ],
)
async def test_the_page_in_another_format(client, accept, begins):
    answer = await client.get("/metrics", headers={"accept": accept})

    assert answer.headers["content-type"].startswith(begins)


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("xgzip", False),
    ],
)
async def test_the_page_is_compressed_only_when_that_is_accepted(client, accepted, zipped):
    """By us, in our thread: the host's own compression would do it on the event loop."""
    async with client.stream("GET", "/metrics", headers={"accept-encoding": accepted}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert zipped == (answer.headers.get("content-encoding") == "gzip")
    assert (gzip.decompress(raw) if zipped else raw).startswith(b"# HELP llm_gateway_")


async def test_a_page_of_one_family(client):
    answer = await client.get("/metrics", params={"name[]": "nothing"})

    assert "" == answer.text


async def test_the_hosts_families_do_not_cost_ours(surfaces, client, errors):
    def broken():
        raise RuntimeError("another collector")

    object.__setattr__(surfaces, "host_families", broken)

    answer = await client.get("/metrics")

    assert (200, ["host_families"]) == (answer.status_code, errors)
    assert "llm_gateway_requests_total" in answer.text


async def test_the_json(client):
    answer = (await client.get("/api/gateway/metrics", params={"window": "2m"})).json()

    assert {"success": 3, "total": 3} == {
        name: answer["requests"][name] for name in ("success", "total")
    }
    assert 0.5 == answer["window"]["coverage"]


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/api/gateway/metrics", {"window": "banana"}, "window"),
        ("/api/gateway/metrics", {"window": ""}, "window"),
        ("/api/gateway/requests", {"limit": "0"}, "limit"),
        ("/api/gateway/requests", {"kind": "best"}, "kind"),
        ("/api/gateway/failovers", {"limit": "many"}, "limit"),
    ],
)
async def test_a_bad_query(client, path, query, field):
    """One shape of error, ours and the framework's: the field, what would do, what came."""
    answer = await client.get(path, params=query)

    assert 422 == answer.status_code
    (problem,) = answer.json()["detail"]
    assert (["query", field], query[field]) == (problem["loc"], problem["input"])
    assert problem["msg"]


@pytest.mark.parametrize("path", [*PAGES, "/api/gateway/metrics"])
async def test_a_state_that_cannot_be_read(client, state, errors, path):
    state.error = OSError("no such directory")

    answer = await client.get(path)

    assert (503, ["read_state"]) == (answer.status_code, errors)
    assert "no such directory" in answer.text


@pytest.mark.parametrize("path", JSON[1:])
async def test_a_ledger_that_cannot_be_read(surfaces, client, errors, path):
    surfaces.ledger.error = OSError("no such directory")

    answer = await client.get(path)

    assert (503, ["read_ledger"]) == (answer.status_code, errors)


def finished(call_id, outcome, duration_s=1.0):
    return Request(
        call_id=call_id,
        received_at=NOW,
        duration_s=duration_s,
        operation=Operation.CHAT,
        stream=False,
        model_group="chat",
        outcome=outcome,
    )


async def test_the_last_requests(client, tmp_path):
    writer = LedgerWriter(directory=tmp_path, size=10, slow_s=5.0)
    writer.record(finished("good", Outcome.SUCCESS))
    writer.record(finished("slow", Outcome.SUCCESS, 9.0))
    writer.record(finished("bad", Outcome.ERROR))

    counts = {}
    for kind in ("recent", "slow", "failed"):
        answer = await client.get("/api/gateway/requests", params={"kind": kind})
        counts[kind] = len(answer.json())
    writer.close()

    assert {"recent": 3, "slow": 1, "failed": 1} == counts


@pytest.fixture
def computed(monkeypatch):
    """Which answers were computed."""
    queries = []

    def build(snapshot, archive, query, around):
        queries.append(query)
        return build_window(snapshot, archive, query, around)

    monkeypatch.setattr(gateway, "build_window", build)
    return queries


async def test_many_viewers_cost_one_computation(client, computed):
    """At once, and one after the other within a second; who has it already gets no body."""
    path = "/api/gateway/metrics?window=15m&step=30s"
    answers = await asyncio.gather(*(client.get(path) for _ in range(40)))
    one = answers[0]
    known = await client.get(path, headers={"if-none-match": f'W/{one.headers["etag"]}, "x"'})

    assert 1 == len(computed)
    assert {one.text} == {answer.text for answer in answers}
    assert "private, max-age=30" == one.headers["cache-control"]
    assert (304, b"", one.headers["etag"]) == (
        known.status_code,
        known.content,
        known.headers["etag"],
    )
    assert 200 == (await client.get(path, headers={"if-none-match": '"other"'})).status_code
    fresh = await client.get(path, headers={"cache-control": "no-cache"})
    assert (200, 2) == (fresh.status_code, len(computed))


async def test_another_question_has_another_answer(client, computed):
    for query in ("window=15m", "window=16m", "window=15m&model=a", "window=15m&model=b"):
        await client.get("/api/gateway/metrics?" + query)

    assert 4 == len(set(computed))


async def test_requests_as_a_table(client, tmp_path):
    writer = LedgerWriter(directory=tmp_path, size=10, slow_s=0.5)
    writer.record(finished("=cmd|' /C calc'!A0", Outcome.SUCCESS))
    asked = {"accept": "text/csv"}
    answer = await client.get("/api/gateway/requests", headers=asked)
    writer.close()

    header, row = list(csv.reader(io.StringIO(answer.text)))
    found = dict(zip(header, row, strict=True))
    assert "text/csv; charset=utf-8" == answer.headers["content-type"]
    assert "1" == answer.headers["x-total-count"]
    assert ("'=cmd|' /C calc'!A0", "1000.0") == (found["id"], found["total_ms"])
    failovers = await client.get("/api/gateway/failovers?format=csv")
    assert failovers.text.startswith("time,request_id,from_model_group")


async def test_a_table_of_metrics_needs_steps_and_history(client):
    answer = await client.get("/api/gateway/metrics?format=csv")
    assert (422, ["query", "step"]) == (answer.status_code, answer.json()["detail"][0]["loc"])

    answer = await client.get("/api/gateway/metrics?format=csv&step=30s")
    assert 503 == answer.status_code
    assert "history" in answer.json()["detail"]


@pytest.mark.parametrize("path", JSON)
async def test_an_unknown_parameter_is_refused(client, path):
    answer = await client.get(path + "?Window=1h")

    assert (422, ["query", "Window"]) == (
        answer.status_code,
        answer.json()["detail"][0]["loc"],
    )


async def test_the_next_page(client, tmp_path):
    """A link leads on to the end, with the filters of the first page."""
    writer = LedgerWriter(directory=tmp_path, size=10, slow_s=0.5)
    ids = ["a", 'x", <y>\r\nz: 1', "~ü"]
    for name in ids:
        writer.record(finished(name, Outcome.SUCCESS))
    path, seen = "/api/gateway/requests?limit=1&outcome=success&offset=0", []
    while path:
        answer = await client.get(path)
        assert 200 == answer.status_code, answer.text
        seen += [row["id"] for row in answer.json()]
        path = answer.links["next"]["url"] if "next" in answer.links else None
        path = path and "/api/gateway/requests" + path
    writer.close()

    assert sorted(ids) == sorted(seen)


@pytest.mark.parametrize("before", ["", "yesterday", "2026-01-31", "0001-01-01T00:00:00%2B14:00"])
async def test_a_place_that_is_none(client, before):
    answer = await client.get(f"/api/gateway/requests?before={before}")

    assert (422, ["query", "before"]) == (
        answer.status_code,
        answer.json()["detail"][0]["loc"],
    )


async def test_only_times_have_places(client):
    path = "/api/gateway/requests?before=2026-01-31T00:00:00Z&sort=cost"
    assert "sort=time" in (await client.get(path)).json()["detail"][0]["msg"]


async def test_a_silent_database_of_the_fleet_holds_nobody_else(client, surfaces, wait_for):
    """Who asks it waits in threads of its own; those beyond a number are sent away."""
    answers = threading.Event()

    def select_fleet(*_):
        answers.wait(30)
        return Found(entries=[], total=0)

    surfaces.ledger.select_fleet = select_fleet
    path = "/api/gateway/requests"
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(client.get(path + "?scope=fleet")) for _ in range(PLACES)]
        queue = surfaces.fleet._executor._work_queue
        await asyncio.to_thread(wait_for, lambda: queue.qsize() == PLACES - THREADS)
        too_many = await client.get(path + "?scope=fleet")
        beside = [await client.get(path) for _ in range(3)]
        answers.set()

    assert (503, "5") == (too_many.status_code, too_many.headers["retry-after"])
    assert "slow to answer" in too_many.json()["detail"]
    assert [200] * 3 == [answer.status_code for answer in beside]
    assert {200} == {task.result().status_code for task in asked}
