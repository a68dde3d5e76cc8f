from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace

import litellm
import pytest
from litellm.router_utils import cooldown_handlers

from litellm_obs_plugin.host import compat

SERVER = "litellm.proxy.proxy_server"


class FakeRouter:
    model_names = frozenset({"chat", "wild/*"})
    model_group_alias = {"nickname": "chat", "hidden": {"model": "chat"}, "odd": 7}  # noqa: RUF012
    model_list = ({"model_name": "chat"}, "odd")

    def get_model_ids(self):
        return ["dep-chat"]

    @property
    def cooldown_cache(self):
        return self

    async def async_get_active_cooldowns(self, model_ids, parent_otel_span):
        return [(one, {"cooldown_time": 5}) for one in model_ids]

    def get_deployment(self, model_id):
        found = {"dep-chat": "chat", "dep-odd": 7}.get(model_id)
        return SimpleNamespace(model_name=found) if found else None


@pytest.fixture
def server(monkeypatch):
    """The proxy's module as far as we lean on it, in the place of the real one."""
    module = ModuleType(SERVER)
    module.app = SimpleNamespace()
    module.llm_router = FakeRouter()
    module.general_settings = {}
    module.proxy_shutdown_event = None
    monkeypatch.setitem(sys.modules, SERVER, module)
    return module


@pytest.fixture
def nowhere(monkeypatch):
    monkeypatch.delitem(sys.modules, SERVER, raising=False)


def test_model_groups(server):
    assert compat.is_model_group("chat")
    assert compat.is_model_group("nickname")
    assert not compat.is_model_group("wild/gpt-4o")


@pytest.mark.parametrize(
    ("deployment_id", "group"), [("dep-chat", "chat"), ("dep-gone", None), ("dep-odd", None)]
)
def test_group_of_a_deployment(server, deployment_id, group):
    assert group == compat.deployment_group(deployment_id)


@pytest.mark.parametrize("router", [None, SimpleNamespace()])
def test_a_router_that_is_not_there_knows_nothing(server, router):
    """Before it is built, or of another make."""
    server.llm_router = router

    assert not compat.is_model_group("chat")
    assert compat.deployment_group("dep-chat") is None


def test_a_reloaded_router_is_seen(server):
    assert isinstance(compat.router(), FakeRouter)
    server.llm_router = None

    assert compat.router() is None


def test_outside_a_proxy(nowhere):
    assert compat.router() is None
    with pytest.raises(LookupError, match="proxy_server is not loaded"):
        compat.proxy_app()


def test_the_proxys_application(server):
    assert server.app is compat.proxy_app()


def test_this_litellm_has_every_name_we_lean_on(server):
    assert [] == compat.missing_names()


def test_names_that_have_gone_are_told(server, monkeypatch):
    del server.llm_router
    monkeypatch.delattr(litellm, "callback_settings")
    monkeypatch.setitem(sys.modules, "litellm.proxy.auth.user_api_key_auth", None)

    assert [
        "litellm.callback_settings",
        f"{SERVER}.llm_router",
        "litellm.proxy.auth.user_api_key_auth",
    ] == compat.missing_names()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"litellm_obs": {"max_series": 9}}, {"max_series": 9}), ({}, None), (None, None), ([], None)],
)
def test_callback_settings(monkeypatch, settings, expected):
    monkeypatch.setattr(litellm, "callback_settings", settings, raising=False)

    assert expected == compat.callback_settings("litellm_obs")


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("openai/gpt-4o-mini", None, ("gpt-4o-mini", "openai")),
        ("gpt-4o-mini", "openai", ("gpt-4o-mini", "openai")),
        ("groq/in-house-7b", None, ("in-house-7b", "groq")),
        ("nobody-knows-this", None, ("nobody-knows-this", None)),
    ],
)
def test_split_model(model, provider, expected):
    """A model without a provider is no error here."""
    assert expected == compat.split_model(model, provider=provider, api_base=None)


def test_prices():
    assert 0 < compat.model_price("gpt-4o-mini")["input_cost_per_token"]
    assert {} == compat.model_price("nobody-knows-this")


@pytest.mark.parametrize("price", [None, 7])
def test_a_price_that_is_none(monkeypatch, price):
    monkeypatch.setattr(litellm, "model_cost", {"odd": price})

    assert {} == compat.model_price("odd")


def test_version():
    assert compat.litellm_version().startswith("1.106.")


def test_version_of_a_litellm_that_was_not_installed(monkeypatch):
    monkeypatch.setattr(sys, "path", [])

    assert "unknown" == compat.litellm_version()


@pytest.mark.parametrize(
    ("name", "group"),
    [("nickname", "chat"), ("hidden", "chat"), ("odd", "odd"), ("chat", "chat"), ("no", "no")],
)
def test_aliases(server, name, group):
    assert group == compat.canonical_group(name)


def test_deployments(server, monkeypatch):
    assert [{"model_name": "chat"}] == compat.deployments()
    server.llm_router = None
    assert [] == compat.deployments()


async def test_active_cooldowns(server):
    assert {"dep-chat": {"cooldown_time": 5}} == await compat.active_cooldowns()
    server.llm_router = None
    assert {} == await compat.active_cooldowns()


async def test_entries_are_heard_and_the_host_still_hears_them(monkeypatch):
    """The built-in metrics learn of an entry by the same call."""
    heard, original = [], []

    async def hosts_own(*args, **event):
        original.append((args, event))
        return "its answer"

    monkeypatch.setattr(cooldown_handlers, "router_cooldown_event_callback", hosts_own)

    assert compat.on_cooldown(heard.append)
    answer = await cooldown_handlers.router_cooldown_event_callback(1, deployment_id="dep-chat")

    assert ("its answer", [{"deployment_id": "dep-chat"}]) == (answer, heard)
    assert [((1,), {"deployment_id": "dep-chat"})] == original


def test_a_litellm_that_does_not_tell_of_entries(monkeypatch):
    monkeypatch.delattr(cooldown_handlers, "router_cooldown_event_callback")

    assert not compat.on_cooldown(print)


async def test_work_is_kept_running():
    done = asyncio.Event()

    async def work():
        done.set()

    compat.keep_running(work())
    assert 1 == len(compat._running)
    await done.wait()
    await asyncio.sleep(0)

    assert not compat._running
