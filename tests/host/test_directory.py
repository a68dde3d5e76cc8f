from __future__ import annotations

import pytest

from litellm_obs_plugin.host import directory
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.record import Deployment, Tokens
from tests.host.fakes import FakeNames


def kwargs(deployment_id="dep-chat", model="openai/gpt-4o-mini", asked=None, **more):
    return {
        "model_info": {"id": deployment_id},
        "model": model,
        "metadata": {"model_group": asked},
        **more,
    }


def logged(**payload):
    return {"standard_logging_object": payload}


@pytest.fixture
def names():
    return FakeNames()


@pytest.fixture
def ours(names):
    return Directory(names)


def test_a_deployment_of_the_router(ours):
    expected = Deployment(id="dep-chat", model_group="chat", model="gpt-4o-mini", provider="openai")

    assert expected == ours.of_attempt(kwargs())


def test_a_deployment_is_resolved_once(ours, names):
    """On the hot path the host is not asked again."""
    first = ours.of_attempt(kwargs())
    names.groups.clear()

    assert first is ours.of_attempt(kwargs())


def test_a_configured_model_that_no_price_list_has_keeps_its_name(ours):
    """The operator wrote it down, so it is bounded."""
    named = ours.of_attempt(kwargs("dep-backup", "mistral/in-house"))

    assert ("in-house", "mistral") == (named.model, named.provider)


def test_a_wildcard_deployment_shows_only_listed_models(ours):
    """The caller chose what stands for the star."""
    listed = ours.of_attempt(kwargs("dep-wild", "openai/gpt-4o"))
    invented = ours.of_attempt(kwargs("dep-wild", "openai/made-up-1"))

    assert ("wild/*", "gpt-4o") == (listed.model_group, listed.model)
    assert ("wild/*", "other") == (invented.model_group, invented.model)


def test_a_deployment_the_router_does_not_know(ours):
    """Then the group is the one that was asked for, if the router knows that."""
    known = ours.of_attempt(kwargs("dep-gone", "openai/gpt-4o", asked="chat"))
    unknown = ours.of_attempt(kwargs("dep-gone-2", "openai/made-up", asked="nonsense"))

    assert ("chat", "gpt-4o") == (known.model_group, known.model)
    assert ("other", "other") == (unknown.model_group, unknown.model)


@pytest.mark.parametrize("bare", [{}, {"model": None, "model_info": None}, {"model": 7}])
def test_an_attempt_that_says_nothing(ours, bare):
    expected = Deployment(id="", model_group="other", model="other", provider="unknown")

    assert expected == ours.of_attempt(bare)


def test_a_deployment_of_a_log_event(ours):
    found = ours.of_payload(
        logged(model="openai/gpt-4o-mini", model_id="dep-chat", custom_llm_provider="openai")
    )

    assert ours.of_attempt(kwargs()) == found


@pytest.mark.parametrize(("provider", "shown"), [("openai", "openai"), (None, "unknown")])
def test_a_pass_through_is_of_no_group(ours, provider, shown):
    found = ours.of_payload(logged(model="unknown", custom_llm_provider=provider))

    assert Deployment(id="", model_group="other", model="other", provider=shown) == found


def test_asked_group(ours):
    """A name the router knows, the pattern of a wildcard, or ``other``."""
    wild = ours.of_attempt(kwargs("dep-wild", "openai/gpt-4o"))
    plain = ours.of_attempt(kwargs())

    assert "chat" == ours.asked_group("chat", wild)
    assert "wild/*" == ours.asked_group("wild/gpt-4o", wild)
    assert "other" == ours.asked_group("nonsense", plain)
    assert "other" == ours.asked_group("nonsense", None)
    assert "other" == ours.asked_group(None, None)


def test_callers_cannot_fill_the_memory(ours, monkeypatch):
    """Each invented name behind a wildcard would else be remembered for good."""
    monkeypatch.setattr(directory, "_MAX_KNOWN", 10)

    for n in range(100):
        ours.of_attempt(kwargs("dep-wild", f"openai/made-up-{n}"))

    assert len(ours._known) <= 10


def entry(deployment_id, group="chat", order=None, model="openai/gpt-4o-mini"):
    return {
        "model_name": group,
        "model_info": {"id": deployment_id},
        "litellm_params": {"model": model, "order": order},
    }


@pytest.mark.parametrize(
    ("entries", "first"),
    [
        ([entry("dep-a"), entry("dep-b")], "dep-a"),
        ([entry("dep-a", order=2), entry("dep-b", order=1)], "dep-b"),
        ([entry("dep-a"), entry("dep-b", order=9)], "dep-b"),
        ([entry("dep-a", "other group")], None),
        ([], None),
    ],
)
def test_first_choice(ours, names, entries, first):
    """What the router tries first: the lowest order, else the first in its list."""
    names.deployments = lambda: entries

    found = ours.first_choice("chat")

    assert first == (found.id if found else None)


def test_a_deployment_is_the_same_from_the_router_and_from_a_hook(ours):
    assert ours.of_router(entry("dep-chat")) is ours.of_attempt(kwargs())


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        ({"dep-x": {"input_cost_per_token": 3.0}, "m": {"input_cost_per_token": 1.0}}, 30.0),
        ({"dep-x": {}, "m": {"input_cost_per_token": 1.0}}, 10.0),
        ({"groq/m": {"input_cost_per_token": 2.0}}, 20.0),
        ({}, None),
    ],
)
def test_price_of_tokens(ours, names, prices, usd):
    """The deployment's own price wins over its model's."""
    names.model_price = lambda key: prices.get(key, {})
    there = Deployment(id="dep-x", model_group="chat", model="m", provider="groq")

    assert usd == ours.price_tokens(there, Tokens(input=10))
