"""Every query of docs/metrics.md, asked of a real Prometheus that scrapes a gateway at work."""

import math
import re
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest

from litellm_obs_plugin.exposition import page as exposition
from litellm_obs_plugin.exposition.negotiation import choose
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from tests.prometheus import running_prometheus

pytestmark = pytest.mark.peers

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
BLOCKS = re.findall(r"```promql\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
QUERIES = {
    query.splitlines()[0].removeprefix("# "): query
    for block in BLOCKS
    for query in block.strip().split("\n\n")
}


def traffic(rounds):
    """What the gateway has seen after so many scrapes: of each round's 20 requests 16 succeed,
    one is answered by the cache, two fail at the provider and one is the caller's mistake.
    """
    counters = {
        "requests_total": {
            ("chat", "chat", "true", "success"): 16.0,
            ("chat", "chat", "true", "cache_hit"): 1.0,
            ("chat", "chat", "true", "error"): 3.0,
        },
        "request_errors_total": {
            ("chat", "timeout", "provider"): 2.0,
            ("chat", "bad_request", "client"): 1.0,
        },
        "cost_usd_total": {
            ("chat", "openai", "gpt-4o", "input"): 0.1,
            ("chat", "openai", "gpt-4o", "output"): 0.2,
            ("chat", "azure", "gpt-4o", "output"): 0.6,
        },
        "attempts_total": {
            ("chat", "openai", "gpt-4o", "success", ""): 6.0,
            ("chat", "openai", "gpt-4o", "error", "timeout"): 2.0,
        },
    }
    durations = Sketch.of(SECONDS, [1.0 + i / 10 for i in range(16)] * rounds)
    return Snapshot(
        started_at=time.time() - 60,
        taken_at=time.time(),
        series={
            **{n: {k: v * rounds for k, v in s.items()} for n, s in counters.items()},
            "request_duration_seconds": {("chat", "true", "success"): durations},
            "overhead_seconds": {
                ("gateway",): Sketch.of(SECONDS, [0.003] * rounds),
                ("queue",): Sketch.of(SECONDS, [0.5] * rounds),
            },
        },
    )


def close_to(value, *, within=0.011):
    return lambda found: list(found.values()) == [pytest.approx(value, rel=within)]


def shares_of_cost(found):
    """Dollars an hour, whatever the time between two scrapes: twice as many at azure."""
    by = {dict(labels)["provider"]: dollars for labels, dollars in found.items()}
    return by["openai"] > 0 and by["azure"] == pytest.approx(2 * by["openai"])


# The query's first line -> what must come out.
EXPECTED = {
    "p95 of successful requests by model group: native histograms": close_to(2.5, within=0.022),
    "the same with classic buckets": lambda found: all(2 < v <= 4 for v in found.values()),
    "success rate, the caller's own mistakes left out": close_to(17 / 19),
    "dollars an hour by provider": shares_of_cost,
    "share of attempts that fail, by provider": close_to(1 / 4),
    "what the gateway itself adds, median": close_to(0.003, within=0.022),
}


@pytest.fixture(scope="module")
def target():
    rounds = count(1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            format = choose(self.headers.get("accept", ""))
            body = exposition.render(traffic(next(rounds)), format)
            self.send_response(200)
            self.send_header("content-type", format)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args): ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def ask(tmp_path_factory, target, free_port, wait_for):
    """Asks the Prometheus that the query is for: one reads native histograms, one classic."""
    with ExitStack() as running:
        readers = {
            kind: running.enter_context(
                running_prometheus(
                    targets=[target],
                    features=features,
                    home=tmp_path_factory.mktemp(kind),
                    port=free_port(),
                    wait_for=wait_for,
                )
            )
            for kind, features in (
                ("native", "native-histograms"),
                ("classic", "exemplar-storage"),
            )
        }

        def ask(query):
            reader = readers["classic" if "_bucket" in query else "native"]
            scrapes = "count_over_time(llm_gateway_requests_total{outcome='success'}[5m])"
            wait_for(lambda: max(reader.query(scrapes).values(), default=0) >= 3, timeout_s=60)
            return reader.query(query)

        yield ask


def test_every_query_has_an_expectation():
    assert set(EXPECTED) == set(QUERIES)


@pytest.mark.parametrize("title", QUERIES)
def test_a_documented_query_answers(ask, title):
    found = ask(QUERIES[title])

    assert found
    assert not any(map(math.isnan, found.values()))
    assert EXPECTED[title](found), found
