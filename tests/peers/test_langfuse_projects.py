"""A key with a Langfuse project of its own: LiteLLM's callback and we both send there, and once."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

import pytest

from tests.proxy.conftest import Gateway
from tests.proxy.prices import components, price_of

pytestmark = pytest.mark.proxy

AUTH = """
from litellm.proxy._types import LitellmUserRoles, UserAPIKeyAuth

LOGGING = [{"callback_name": "langfuse", "callback_type": "success", "callback_vars": {
    "langfuse_public_key": "pk-team", "langfuse_secret": "sk-team", "langfuse_host": "PEER"}}]


async def authenticate(request, api_key):
    metadata = {"logging": LOGGING} if api_key == "sk-team-key" else {}
    return UserAPIKeyAuth(
        api_key=api_key, user_role=LitellmUserRoles.PROXY_ADMIN, metadata=metadata
    )
"""


@pytest.fixture(scope="module")
def gateway(start_gateway, peer, tmp_path_factory) -> Iterator[Gateway]:
    peer.projects["pk-team"] = "sk-team"
    directory = tmp_path_factory.mktemp("auth")
    module = textwrap.dedent(AUTH).replace("PEER", peer.url)
    (directory / "team_auth.py").write_text(module)
    running = start_gateway(
        peer.env(PYTHONPATH=str(directory)),
        general_settings={"custom_auth": "team_auth.authenticate"},
        callback_settings={"litellm_obs": {"langfuse": {"flush_interval_s": 0.1}}},
    )
    running.warm_up()
    return running


def test_a_keys_own_project(gateway, peer, wait_for):
    answers = []

    def act(case: str) -> None:
        prompt = [{"role": "user", "content": f"[case:{case}] [tokens:120,30]"}]
        body = {"model": "chat", "messages": prompt}
        key = {"authorization": "Bearer sk-team-key"}
        answers.append(gateway.client.post("/v1/chat/completions", json=body, headers=key))

    seen = gateway.observe(act)
    trace_id = answers[0].headers["x-gateway-trace-id"]
    records = wait_for(lambda: len(r := peer.trace(trace_id)) >= 3 and r, timeout_s=30)

    assert {r.project for r in records} == {"pk-team"}
    assert sorted(r.type for r in records) == ["GENERATION", "SPAN", "SPAN"]
    told = [r.total_cost for r in records if r.total_cost is not None]
    expected = math.fsum(components(seen.calls[0], price_of("gpt-4o-mini")).values())
    assert math.fsum(told) == pytest.approx(expected, abs=1e-12)
    others = [r for r in peer.records if r.project == "pk-test"]
    assert others
    assert {r.type for r in others} == {"SPAN", "GENERATION"}
    assert all(r.scope == "langfuse-sdk.litellm_obs_plugin" for r in others)
