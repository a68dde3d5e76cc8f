"""Objectives on a real proxy with LiteLLM's background checks on, which are nobody's requests."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tests.health.schema import check
from tests.proxy import published
from tests.proxy.page import Page
from tests.proxy.server import AUTH, Server, simulated

pytestmark = pytest.mark.proxy

OBJECTIVES = [
    {"name": "answered", "objective": 0.9},
    {"name": "in-time", "objective": 0.75, "kind": "latency", "threshold_ms": 2500},
    {"name": "elsewhere", "objective": 0.99, "models": ["sick"]},
]
SECRETS = ("hidden-user", "hidden-password", "hidden-query")


def config_of(simulator: str, *, closed: str) -> dict:
    place = simulator.replace("http://", f"http://{SECRETS[0]}:{SECRETS[1]}@")

    def entry(group: str, base: str) -> dict:
        called = {"model": "openai/gpt-4o-mini", "api_base": base, "api_key": "simulated"}
        return {
            "model_name": group,
            "litellm_params": {**called, "cooldown_time": 0},
            "model_info": {"id": f"dep-{group}"},
        }

    return {
        "model_list": [
            entry("chat", f"{simulator}/openai/v1"),
            entry("sick", f"{closed}/v1"),
            entry("secret", f"{place}/openai/v1?token={SECRETS[2]}"),
        ],
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "litellm_settings": {"callbacks": ["litellm_obs_plugin.proxy_callback"]},
        "callback_settings": {
            "litellm_obs": {"slo": OBJECTIVES, "health": {"interval_s": 2, "timeout_s": 1}}
        },
        "general_settings": {
            "master_key": "os.environ/LITELLM_MASTER_KEY",
            "background_health_checks": True,
            "health_check_interval": 5,
            "disable_model_info_refresh": True,
        },
    }


@pytest.fixture(scope="module")
def servers(tmp_path_factory, free_port, wait_for) -> Iterator[tuple[Server, Server]]:
    config = partial(config_of, closed=f"http://127.0.0.1:{free_port()}")
    directory = tmp_path_factory.mktemp("slo")
    with simulated(config, directory=directory, free_port=free_port, wait_for=wait_for) as running:
        yield running


def get(server: Server, path: str, **query: str) -> httpx.Response:
    answer = httpx.get(
        server.url + path, params=query, headers=AUTH, timeout=30, follow_redirects=True
    )
    assert answer.status_code == 200, answer.text
    return published.check(answer)


def ask(proxy: Server, text: str, *, headers: dict[str, str] = AUTH) -> int:
    body = {"model": "chat", "messages": [{"role": "user", "content": f"[case:slo] {text}"}]}
    url = f"{proxy.url}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=60).status_code


def objectives(proxy: Server) -> dict[str, dict]:
    return {one["name"]: one for one in get(proxy, "/api/gateway/slo").json()["objectives"]}


def deployments(proxy: Server) -> dict[str, dict]:
    report = check(get(proxy, "/health/gateway").content)
    providers = report["components"]["providers"].values()
    return {one["id"]: one for provider in providers for one in provider["deployments"]}


@pytest.fixture(scope="module")
def background(servers, wait_for) -> dict[str, dict]:
    """The deployments once LiteLLM has checked them on its own."""
    proxy, _ = servers

    def checked() -> bool:
        found = deployments(proxy)
        return bool(found) and all("background" in one["signals"] for one in found.values())

    wait_for(checked, timeout_s=90)
    return deployments(proxy)


def test_background_checks_are_a_signal_of_their_own(background):
    said = {name: one["signals"]["background"]["status"] for name, one in background.items()}

    assert said["dep-chat"] == "healthy"
    assert said["dep-sick"] == "degraded"


def test_background_checks_are_no_traffic(servers, background):
    """The simulator was called for them; nothing of it counts as anybody's request."""
    proxy, simulator = servers
    calls = get(simulator, "/_sim/calls").json()

    assert [one for one in calls if one["path"].endswith("/chat/completions")]
    assert get(proxy, "/api/gateway/metrics").json()["requests"]["total"] == 0
    assert all(one["signals"]["traffic"]["attempts"] == 0 for one in background.values())
    for one in objectives(proxy).values():
        assert {0} == {window["total"] for window in one["windows"]}
        assert {None} == {window["burnRate"] for window in one["windows"]}
        assert one["budgetRemainingRatio"] is None


def test_addresses_are_shown_without_secrets(servers, background):
    """Neither user info nor query, on any page of an admin."""
    assert "/openai/v1" in get(servers[0], "/health/gateway").text
    for path in ("/health/gateway", "/api/llm", "/api/gateway/metrics", "/metrics"):
        text = get(servers[0], path).text
        assert not [secret for secret in (*SECRETS, "@127.0.0.1") if secret in text]


def test_burn_rates_are_those_of_the_simulators_ledger(servers, background, wait_for):
    proxy, simulator = servers
    for _ in range(6):
        ask(proxy, "")
    for _ in range(2):
        ask(proxy, "[latency:3]")
    for _ in range(2):
        ask(proxy, "[fault:*=503]")
    ask(proxy, "[fault:*=context_length]")
    refused = ask(proxy, "", headers={"authorization": "Bearer sk-wrong"})
    assert refused in (400, 401)  # 400 while no database could know the key
    calls = get(simulator, "/_sim/calls", case="slo").json()
    good = sum(one["status"] == 200 for one in calls)
    bad = sum(one["status"] >= 500 for one in calls)
    slow = sum(one["status"] == 200 and one["latency_s"] > 2.5 for one in calls)
    assert (8, 2, 2, 11) == (good, bad, slow, len(calls))

    def counted() -> bool:
        found = objectives(proxy)["answered"]["windows"]
        return all((good, good + bad) == (one["good"], one["total"]) for one in found)

    wait_for(counted, timeout_s=60)
    found = objectives(proxy)
    for one in found["answered"]["windows"]:
        assert one["burnRate"] == pytest.approx(bad / (good + bad) / 0.1)
    for one in found["in-time"]["windows"]:
        assert (good - slow, good) == (one["good"], one["total"])
        assert one["burnRate"] == pytest.approx(slow / good / 0.25)
    assert found["answered"]["budgetRemainingRatio"] == pytest.approx(1 - 2 / 10 / 0.1)
    assert found["answered"]["exhaustedAt"] is not None
    assert found["in-time"]["budgetRemainingRatio"] == pytest.approx(1 - 2 / 8 / 0.25)
    assert {0} == {one["total"] for one in found["elsewhere"]["windows"]}

    page = Page.parse(get(proxy, "/metrics").text)
    assert page.total("slo_burn_rate", slo="answered", window="5m") == pytest.approx(2.0)
    assert page.total("slo_events_total", slo="answered", result="bad") == bad
    assert page.total("slo_budget_remaining_ratio", slo="answered") == pytest.approx(-1.0)
    assert page.total("slo_objective_ratio", slo="in-time") == 0.75
