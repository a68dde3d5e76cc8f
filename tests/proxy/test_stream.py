"""The live stream and the pages of the ledger, from a real proxy."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.proxy.server import AUTH

pytestmark = pytest.mark.proxy

STREAM = "/api/gateway/metrics/stream"


def events(answer: httpx.Response) -> Iterator[tuple[int, dict]]:
    """(id, data) of each event."""
    number = 0
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            yield number, json.loads(value)


def ask(gateway, case, *, model="chat", tokens=5):
    messages = [{"role": "user", "content": f"[case:{case}][tokens:10,{tokens}] hello"}]
    answer = gateway.client.post(
        "/v1/chat/completions", json={"model": model, "messages": messages}
    )
    assert answer.status_code == 200
    return answer.headers["x-litellm-call-id"]


def test_a_request_shows_up_in_the_stream(gateway):
    with gateway.client.stream("GET", STREAM, params={"interval": "1s"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = events(answer)
        first, before = next(found)
        seen = gateway.observe(lambda case: ask(gateway, case))
        last, after = next(
            (number, data)
            for number, data in found
            if data["requests"]["total"] > before["requests"]["total"]
        )

    assert 1 == len(seen.calls)
    assert (before["requests"]["total"] + 1, 1) == (
        after["requests"]["total"],
        after["schemaVersion"],
    )
    assert before["tokens"]["total"] + 15 == after["tokens"]["total"]
    assert last > first
    assert set(gateway.json()) == set(after)
    gateway.metrics_schema.validate(after)


def test_it_resumes_behind_the_last_event(gateway):
    with gateway.client.stream("GET", STREAM, params={"interval": "1s"}) as answer:
        seen, _ = next(events(answer))
    headers = {"last-event-id": str(seen)}
    with gateway.client.stream("GET", STREAM, headers=headers) as answer:
        number, _ = next(events(answer))

    assert number > seen


@pytest.mark.parametrize("interval", ["0s", "301s", "often", ""])
def test_a_bad_interval(gateway, interval):
    answer = gateway.client.get(STREAM, params={"interval": interval})

    assert answer.status_code == 422
    assert ["query", "interval"] == answer.json()["detail"][0]["loc"]


def test_a_stream_needs_a_key(proxy):
    assert 401 == httpx.get(proxy.url + STREAM, trust_env=False).status_code


def test_the_ledger_in_pages(gateway):
    asked = []
    gateway.observe(
        lambda case: asked.extend(ask(gateway, case, tokens=n) for n in (5, 50, 500)),
        requests=3,
        calls=3,
    )

    def page(**query):
        answer = gateway.client.get("/api/gateway/requests", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json(), int(answer.headers["x-total-count"])

    newest, total = page(modelGroup="chat", limit="3")
    rest, same = page(modelGroup="chat", limit="1000", offset="3")
    assert set(asked) == {row["id"] for row in newest}
    assert total == same == 3 + len(rest)
    assert not set(asked) & {row["id"] for row in rest}
    assert {"chat"} == {row["modelGroup"] for row in newest + rest}
    dearest, _ = page(modelGroup="chat", sort="cost", limit="1000")
    costs = [row["costUsd"] for row in dearest if row["costUsd"] is not None]
    assert costs == sorted(costs, reverse=True)
    by_id = {row["id"]: row for row in dearest}
    cheap, middle, dear = (by_id[call_id]["costUsd"] for call_id in asked)
    assert cheap < middle < dear
    (attempt,) = by_id[asked[0]]["attempts"]
    assert attempt["start"] >= by_id[asked[0]]["time"]
    assert ([], 0) == page(provider="nobody")


def test_a_part_of_the_traffic(gateway):
    """The numbers of a model are those of its attempts; those of a stranger are none."""
    row = gateway.json()["models"][0]
    part = gateway.client.get(
        "/api/gateway/metrics",
        params={"window": "365d", "model": row["model"], "provider": row["provider"], "step": "1h"},
    ).json()

    gateway.metrics_schema.validate(part)
    assert {row["model"]} == set(part["history"]["byModel"])
    assert part["requests"]["total"] <= row["requests"]
    assert row["latency"]["p95"] == part["latency"]["p95"]
    assert row["costs"] == pytest.approx(part["costs"]["total"])
    assert None is part["failover"] is part["costs"]["byTeam"]
    nobody = gateway.client.get("/api/gateway/metrics", params={"team": "nöbody'--"}).json()
    gateway.metrics_schema.validate(nobody)
    assert 0 == nobody["requests"]["total"]
    assert None is nobody["latency"]["p95"]


@pytest.mark.parametrize("query", ["windw=1h", "window=1h&window=2h", "model=", "step=0s"])
def test_a_query_that_is_no_query(gateway, query):
    answer = gateway.client.get("/api/gateway/metrics?" + query)

    assert 422 == answer.status_code
    assert [query.split("=")[0]] == answer.json()["detail"][0]["loc"][1:]


def test_one_reader_too_many(gateway, wait_for):
    """A hundred read at once; the next is told when to come again, and is let in when one goes."""

    def status(stack):
        answer = stack.enter_context(gateway.client.stream("GET", STREAM))
        return answer.status_code, answer.headers.get("retry-after")

    limits = httpx.Limits(max_connections=200)
    with (
        httpx.Client(
            base_url=gateway.server.url, headers=AUTH, limits=limits, trust_env=False, timeout=60
        ) as client,
        ExitStack() as stack,
    ):
        for _ in range(100):
            answer = stack.enter_context(client.stream("GET", STREAM))
            assert 200 == answer.status_code
        with ExitStack() as more:
            assert (503, "10") == status(more)

    def let_in():
        with ExitStack() as more:
            return status(more)[0] == 200

    wait_for(let_in)


def test_the_same_answer_again_needs_no_body(gateway):
    """Two viewers within a moment: the second has it already."""
    headers = {**AUTH, "cache-control": "max-age=60"}  # in the place of the tests' own no-cache
    query = {"window": "6h", "step": "30s"}

    def get(**known):  # unchecked: to check a thousand points takes longer than the moment
        url = f"{gateway.server.url}/api/gateway/metrics"
        return httpx.get(
            url, params=query, headers={**headers, **known}, timeout=60, trust_env=False
        )

    def again():
        first = get()
        second = get(**{"if-none-match": first.headers["etag"]})
        assert "private, max-age=30" == first.headers["cache-control"]
        return (304, b"") == (second.status_code, second.content)

    assert any(again() for _ in range(10))  # a second may just have ended


def test_tables(gateway):
    whole = gateway.json(window="1h", step="10s")
    answer = gateway.client.get(
        "/api/gateway/metrics", params={"window": "1h", "step": "10s", "format": "csv"}
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert "text/csv; charset=utf-8" == answer.headers["content-type"]
    assert whole["requests"]["total"] == sum(float(row["requests"] or 0) for row in rows)
    lines = gateway.client.get("/api/gateway/requests", headers={"accept": "text/csv"})
    (newest, *_) = csv.DictReader(io.StringIO(lines.text))
    listed = gateway.client.get("/api/gateway/requests").json()[0]
    assert (listed["id"], listed["time"]) == (newest["id"], newest["time"])
