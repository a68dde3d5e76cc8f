"""Who used what, and what a provider says is left."""

from __future__ import annotations

import time

import pytest

from tests.proxy.prices import OWN_PRICE, price_of, total
from tests.proxy.test_scenarios import USAGE, chat

pytestmark = pytest.mark.proxy


def test_rate_limits(gateway):
    """The share that is left, zero included, per deployment."""
    labels = {"deployment": "dep-chat", "provider": "openai", "resource": "requests"}
    for left, ratio in ((250, 0.25), (0, 0.0)):
        extra = f"{USAGE} [limit:1000,{left}]"
        gateway.observe(lambda case, extra=extra: chat(gateway, "chat", case, extra))
        page = gateway.scrape()

        assert ("ratelimit_remaining_ratio", frozenset(labels.items())) in page.samples
        assert page.total("ratelimit_remaining_ratio", **labels) == ratio
        seen_at = page.total("ratelimit_seen_timestamp_seconds", **labels)
        assert seen_at == pytest.approx(time.time(), abs=10)


def test_inflight_requests(gateway, wait_for):
    """A slow request stands in the gauge while it runs, and leaves it after."""
    import threading

    extra = f"{USAGE} [latency:3]"
    asking = threading.Thread(target=chat, args=(gateway, "claude", "inflight", extra))
    asking.start()
    try:
        wait_for(lambda: gateway.scrape().total("inflight_requests", model_group="claude") == 1)
    finally:
        asking.join()
    wait_for(lambda: gateway.scrape().total("inflight_requests", model_group="claude") == 0)


def test_teams_keys_and_tags(gateway):
    """In the JSON always; on the page only what the operator allows (here: tag:project)."""
    before = gateway.json()
    seen = gateway.observe(
        lambda case: chat(gateway, "chat", case, metadata={"tags": ["project:blue", "private"]})
    )
    after = gateway.json()

    cost_usd = total(seen.calls, price_of("gpt-4o-mini"))
    for tag in ("project:blue", "private"):
        spent = after["costs"]["byTag"][tag] - before["costs"]["byTag"].get(tag, 0.0)
        assert spent == pytest.approx(cost_usd, abs=1e-9)
    assert after["costs"]["byTeam"] == {}  # the master key belongs to no team
    assert seen.page.by("requests_by_tag_total", "tag") == {("project:blue",): 1}
    assert seen.page.total("cost_usd_by_tag_total") == pytest.approx(cost_usd, abs=1e-9)
    assert seen.page.by("requests_by_team_total", "team") == {}
    assert "worker_ratelimit_ratio" not in {name for name, _ in seen.page.samples}


def test_budgets(gateway):
    """What falls under a budget, whether it is used up, in metrics and JSON."""
    seen = gateway.observe(lambda case: chat(gateway, "own-price", case, "[tokens:1000,1000]"))
    page = gateway.scrape()

    cost_usd = total(seen.calls, OWN_PRICE)
    for name in ("everything", "own"):
        spent = seen.page.total("budget_period_usd_total", name=name)
        assert spent == pytest.approx(cost_usd, abs=1e-9)
    assert page.total("budget_limit_usd", name="everything") == 100
    rows = {r["name"]: r for r in gateway.client.get("/api/gateway/slo").json()["budgets"]}
    assert rows["own"]["spentUsd"] == pytest.approx(page.total("budget_spent_usd", name="own"))
    assert rows["own"]["remainingRatio"] == 0
    assert rows["own"]["exhaustsAt"] is not None
