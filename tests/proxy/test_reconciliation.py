"""Hundreds of requests of every kind over two workers: all totals are the simulator's."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest

from tests.proxy.page import Page
from tests.proxy.prices import OWN_PRICE, components, price_of
from tests.proxy.server import AUTH, Server

pytestmark = pytest.mark.proxy

MISTRAL = "mistral/mistral-large-latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Requests of one kind: how many, for which group, and what must become of each."""

    name: str
    count: int
    group: str
    extra: str = ""
    stream: bool = False
    outcome: str = "success"
    failed_calls: int = 0  # of each request, before the last
    retries: int = 0  # within a group
    hops: tuple[tuple[str, str, str, str], ...] = ()


KINDS = (
    Kind(name="plain", count=120, group="chat"),
    Kind(name="streamed", count=60, group="chat", extra="[stream:4,0.01]", stream=True),
    Kind(
        name="retried", count=40, group="chat", extra="[fault:*=500*1]", failed_calls=1, retries=1
    ),
    Kind(
        name="fell back",
        count=40,
        group="primary",
        extra="[fault:gpt-4o=503]",
        failed_calls=2,
        retries=1,
        hops=(("primary", "backup", "overloaded", "recovered"),),
    ),
    Kind(
        name="fell back in a stream",
        count=20,
        group="primary",
        extra="[fault:gpt-4o=500] [stream:4,0.01]",
        stream=True,
        failed_calls=2,
        retries=1,
        hops=(("primary", "backup", "server_error", "recovered"),),
    ),
    Kind(
        name="chain",
        count=20,
        group="chain",
        extra="[fault:gpt-4o=500] [fault:mistral-large-latest=503]",
        failed_calls=4,
        retries=2,
        hops=(
            ("chain", "backup", "server_error", "failed"),
            ("backup", "claude", "overloaded", "recovered"),
        ),
    ),
    Kind(
        name="all failed",
        count=20,
        group="primary",
        extra="[fault:*=500]",
        outcome="error",
        failed_calls=4,
        retries=2,
        hops=(("primary", "backup", "server_error", "failed"),),
    ),
    Kind(name="refused", count=20, group="chat", extra="[fault:*=400]", outcome="error"),
    Kind(name="own price", count=20, group="own-price"),
    Kind(name="free", count=20, group="free"),
    Kind(name="unpriced", count=20, group="unpriced"),
)
REQUESTS = sum(kind.count for kind in KINDS)
PRICES = {
    ("openai", "gpt-4o-mini"): price_of("gpt-4o-mini"),
    ("openai", "gpt-4o"): price_of("gpt-4o"),
    ("mistral", "mistral-large-latest"): price_of(MISTRAL),
    ("anthropic", "claude-sonnet-4-5"): price_of("claude-sonnet-4-5"),
    ("groq", "in-house-7b"): OWN_PRICE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the page counted, what the simulator did, what callers and LiteLLM's callbacks got."""

    page: Page
    calls: list[dict]
    answers: list[httpx.Response]
    response_costs_usd: list[float]


def send(pair: Server, kind: Kind, number: int) -> httpx.Response:
    content = f"[case:pair-{kind.name}-{number}] [tokens:{100 + number},{10 + number}] {kind.extra}"
    body = {
        "model": kind.group,
        "messages": [{"role": "user", "content": content}],
        "stream": kind.stream,
    }
    return httpx.post(f"{pair.url}/v1/chat/completions", json=body, headers=AUTH, timeout=60)


def read_witness(pair: Server) -> list[float]:
    """LiteLLM's `response_cost` of every success so far."""
    file = pair.log.with_name("witnessed")
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line)["cost_usd"] for line in lines]


def scrape(pair: Server) -> Page:
    return Page.parse(httpx.get(f"{pair.url}/metrics", headers=AUTH, timeout=30).text)


@pytest.fixture(scope="module")
def truth(pair: Server, pair_simulator: Server, wait_for: Callable[..., object]) -> Truth:
    """All kinds mixed, twelve at a time."""
    rounds = itertools.zip_longest(*([(kind, n) for n in range(kind.count)] for kind in KINDS))
    mixed = [one for several in rounds for one in several if one is not None]
    assert REQUESTS == len(mixed) == 400
    before, seen = scrape(pair), len(read_witness(pair))
    assert 2 == before.total("workers")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda one: send(pair, *one), mixed))

    def counted() -> Page | None:
        page = scrape(pair).since(before)
        return page if page.total("requests_total") >= REQUESTS else None

    wait_for(counted, timeout_s=60)
    every = httpx.get(f"{pair_simulator.url}/_sim/calls", timeout=30).json()
    calls = [call for call in every if (call["case"] or "").startswith("pair-")]
    return Truth(
        page=scrape(pair).since(before),
        calls=calls,
        answers=answers,
        response_costs_usd=read_witness(pair)[seen:],
    )


def test_requests(truth):
    expected = Counter[tuple[str, ...]]()
    for kind in KINDS:
        expected[kind.group, str(kind.stream).lower(), kind.outcome] += kind.count

    assert expected == truth.page.by("requests_total", "model_group", "stream", "outcome")
    assert REQUESTS == truth.page.total("request_duration_seconds_count")
    answered = sum(answer.status_code == 200 for answer in truth.answers)
    assert answered == truth.page.total("requests_total", outcome="success")


def test_attempts(truth):
    """One for each call that reached a provider, no more and no less."""
    called = Counter(
        (c["provider"], "success" if c["status"] == 200 else "error") for c in truth.calls
    )

    assert called == truth.page.by("attempts_total", "provider", "outcome")
    expected = sum(kind.count * (kind.failed_calls + (kind.outcome == "success")) for kind in KINDS)
    refused = truth.page.total("attempts_total", error_type="bad_request")
    assert expected == len(truth.calls) - refused
    assert len(truth.calls) == truth.page.total("request_attempts_sum")


def test_failovers(truth):
    labels = ("from_model_group", "to_model_group", "reason", "outcome")
    expected = Counter[tuple[str, ...]]()
    for kind in KINDS:
        for hop in kind.hops:
            expected[hop] += kind.count

    assert expected == truth.page.by("failovers_total", *labels)


def test_seconds_lost(truth):
    """From the first call of a request to the one that answered, over all of them.

    Twelve at a time wait for each other between our clock's reading and the simulator's.
    """
    recovered = {
        f"pair-{kind.name}-{n}"
        for kind in KINDS
        if kind.hops and kind.outcome == "success"
        for n in range(kind.count)
    }
    begun: dict[str, list[float]] = {}
    for call in truth.calls:
        if call["case"] in recovered:
            begun.setdefault(call["case"], []).append(call["at"])

    lost_s = math.fsum(max(times) - min(times) for times in begun.values())
    assert len(recovered) == truth.page.total("failover_delay_seconds_count")
    counted_s = truth.page.total("failover_delay_seconds_sum")
    assert counted_s == pytest.approx(lost_s, abs=0.15 * len(recovered))


def test_retries(truth):
    counted = truth.page.by("retries_total", "reason")
    counted.pop(("bad_request",), None)  # whether LiteLLM tries a refused request again is its own

    assert sum(kind.count * kind.retries for kind in KINDS) == sum(counted.values())


def test_tokens(truth):
    expected = Counter[tuple[str, str]]()
    for call in truth.calls:
        expected[call["provider"], "input"] += call["input_tokens"]
        expected[call["provider"], "output"] += call["output_tokens"]

    assert +expected == truth.page.by("tokens_total", "provider", "type")


def test_dollars(truth):
    """By provider and component within 1e-9; together they are LiteLLM's `response_cost`."""
    expected: dict[tuple[str, str], list[float]] = {}
    for call in truth.calls:
        price = PRICES.get((call["provider"], call["model"]))
        for name, usd in components(call, price).items() if price else ():
            expected.setdefault((call["provider"], name), []).append(usd)
    counted = truth.page.by("cost_usd_total", "provider", "component")

    sums = {key: math.fsum(usd) for key, usd in expected.items()}
    assert {key: usd for key, usd in counted.items() if usd} == pytest.approx(sums, abs=1e-9)
    spent_usd = math.fsum(counted.values())
    assert spent_usd == pytest.approx(truth.page.total("cost_per_request_usd_sum"), abs=1e-9)
    assert len(truth.response_costs_usd) == truth.page.total("requests_total", outcome="success")
    assert spent_usd == pytest.approx(math.fsum(truth.response_costs_usd), abs=1e-9)
    assert truth.page.by("requests_by_cost_status_total", "status") == {
        ("priced",): 340,
        ("unpriced",): 20,
    }


def test_the_price_of_failing_over(truth):
    """What the answers cost beyond what the first choice would have cost."""
    difference: list[float] = []
    for call in truth.calls:
        fell_back = call["case"].startswith(("pair-fell back", "pair-chain"))
        if fell_back and call["status"] == 200:
            price = PRICES[call["provider"], call["model"]]
            paid, first = (components(call, p).values() for p in (price, price_of("gpt-4o")))
            difference.append(math.fsum(paid) - math.fsum(first))
    signs = truth.page.by("failover_cost_usd_total", "sign")

    assert signs.get(("added",), 0.0) == pytest.approx(
        math.fsum(d for d in difference if d > 0), abs=1e-9
    )
    assert signs.get(("saved",), 0.0) == pytest.approx(
        -math.fsum(d for d in difference if d < 0), abs=1e-9
    )
