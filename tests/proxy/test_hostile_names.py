"""Callers choose names by the thousand, and LiteLLM's own metrics share the page."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.proxy.conftest import PAIR_MAX_SERIES
from tests.proxy.page import Page
from tests.proxy.server import AUTH, Server

pytestmark = pytest.mark.proxy

EACH = 60
PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)


def scrape(pair: Server, accept: str = "text/plain") -> httpx.Response:
    return httpx.get(f"{pair.url}/metrics", headers={"accept": accept}, timeout=30)


def ask(pair: Server, model: str, headers: dict[str, str]) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "[tokens:10,5]"}]}
    url = f"{pair.url}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=60).status_code


@pytest.fixture(scope="module")
def page(pair, wait_for) -> Page:
    """After names that a wildcard lets through, names that nobody knows, and keys made up."""
    calls = [(f"wild/evil-{i}", AUTH) for i in range(EACH)]
    calls += [(f'no-"such"\\{i}', AUTH) for i in range(EACH)]
    calls += [("chat", {"authorization": f"Bearer sk-guess-{i}"}) for i in range(EACH)]
    before = Page.parse(scrape(pair).text)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda call: ask(pair, *call), calls))
    assert [200] * EACH == codes[:EACH]
    assert not {200}.intersection(codes[EACH:])

    def counted() -> Page | None:
        now = Page.parse(scrape(pair).text).since(before)
        return now if now.total("requests_total") >= 3 * EACH else None

    return wait_for(counted, timeout_s=60)


def ours(page: Page) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Our samples: LiteLLM's families and the process's have names of their own."""
    others = ("litellm_", "python_", "process_")
    return {key: value for key, value in page.samples.items() if not key[0].startswith(others)}


def test_every_request_is_counted_once(page):
    assert {("success",): EACH, ("rejected",): 2 * EACH} == page.by("requests_total", "outcome")
    assert EACH * 15 == page.total("tokens_total")
    assert EACH == page.total("provider_duration_seconds_count")
    assert EACH == page.total("gen_ai_client_operation_duration_seconds_count")
    assert EACH * 15 == page.total("gen_ai_client_token_usage_sum")


def test_no_metric_has_more_series_than_allowed(pair, page):
    """Each worker keeps so many and `other`; the page has the series of both."""
    whole = ours(Page.parse(scrape(pair).text))
    counts = Counter(name for name, _ in whole if "_bucket" not in name)

    assert max(counts.values()) <= 2 * (PAIR_MAX_SERIES + 10)


def test_names_that_the_router_does_not_know_are_no_labels(page):
    values = {v for _, labels in ours(page) for _, v in labels}

    assert not [value for value in values if any(w in value for w in ("such", "guess", "evil"))]
    assert EACH == page.total("attempts_total", model_group="wild/*", model="other")


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text", PROTOBUF])
def test_the_built_in_families_follow_ours_in_every_format(pair, page, accept):
    """With two workers; LiteLLM counts what reached it."""
    body = scrape(pair, accept).content

    assert 0 < body.index(b"llm_gateway_requests") < body.index(b"litellm_")
    if accept == "text/plain":
        shared = Page.parse(body.decode())
        assert EACH <= shared.total("litellm_proxy_total_requests_metric_total")


def test_every_worker_gives_the_same_page(pair, page):
    """At rest, but for what a scrape itself or the clock changes."""
    moving = (
        "plugin_",
        "event_loop_lag",
        "provider_",
        "component_",
        "history_",
        "budget_exhaustion",
    )
    pages = [ours(Page.parse(scrape(pair).text)) for _ in range(12)]
    still = [{k: v for k, v in one.items() if not k[0].startswith(moving)} for one in pages]

    assert [] == [set(one.items()) ^ set(still[0].items()) for one in still if one != still[0]]
