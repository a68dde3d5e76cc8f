from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.host.trace import normalised, trace_id_of
from litellm_obs_plugin.record import Deployment
from tests.host.fakes import NOW, House
from tests.host.garbage import KEYS, values
from tests.host.recording import play, read_recording

UUID = "5935e4a9-2e40-428e-9b3a-1c4178611153"
CALL_TRACE_ID = "5935e4a92e40428e9b3a1c4178611153"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def recorded(scenario, *, upto):
    """The hooks until the answer begins, and the request's own data."""
    hooks = read_recording(scenario)[:upto]
    return hooks, {**hooks[0].event, "model": "chat"}


async def headers_after(house, scenario, *, upto, response=None):
    hooks, data = recorded(scenario, upto=upto)
    await play(house.callback, hooks, set_clock=house.clock.set)
    house.clock.set(house.clock.now + 0.25)
    found = await house.callback.async_post_call_response_headers_hook(data, None, response)
    return found, data


def priced(usd, **hidden):
    return SimpleNamespace(_hidden_params={"response_cost": usd, **hidden})


async def test_an_answer(house):
    found, data = await headers_after(house, "chat", upto=2, response=priced(3.45e-05))

    timing = found.pop("server-timing")
    assert {
        "x-gateway-request-id": data["litellm_call_id"],
        "x-gateway-trace-id": normalised(data["litellm_call_id"]),
        "x-gateway-attempts": "1",
        "x-gateway-failovers": "0",
        "x-gateway-provider": "openai",
        "x-gateway-model": "gpt-4o-mini",
        "x-gateway-cost-usd": "3.45e-05",
    } == found
    durations = dict(part.split(";dur=") for part in timing.split(", "))
    assert 200 <= float(durations["provider"]) < 230
    assert 250 < float(durations["gateway"]) < 300
    assert 0 == float(durations["queue"])


async def test_a_fallback(house):
    found, _ = await headers_after(house, "fallback", upto=7, response=priced(0.001))

    assert ("3", "1", "mistral") == tuple(
        found[f"x-gateway-{name}"] for name in ("attempts", "failovers", "provider")
    )


async def test_a_stream_has_no_cost_yet(house):
    found, _ = await headers_after(house, "stream", upto=1, response=priced(0.0))

    assert "x-gateway-cost-usd" not in found
    assert "provider;dur=250.0" in found["server-timing"]


async def test_a_failure_has_no_cost(house):
    found, _ = await headers_after(house, "timeout", upto=5)

    assert ("2", False) == (found["x-gateway-attempts"], "x-gateway-cost-usd" in found)


async def test_a_cached_answer_costs_nothing(house):
    found, _ = await headers_after(
        house, "cache_hit", upto=1, response=priced(3.45e-05, cache_hit=True)
    )

    assert "0" == found["x-gateway-cost-usd"]


async def test_a_request_whose_call_has_no_id_gets_none(house):
    assert await house.callback.async_post_call_response_headers_hook({}, None, None) is None


async def test_names_that_no_header_can_carry_are_left_out(house):
    """The host would answer 500: a header is Latin-1."""
    house.tracker.attempt_started(
        ("c", NOW),
        Deployment(id="d", model_group="chat", model="通义", provider="openai"),
    )
    data = {
        "litellm_call_id": "c",
        "metadata": {"litellm_received_at": datetime.fromtimestamp(NOW, tz=UTC)},
    }

    found = await house.callback.async_post_call_response_headers_hook(data, None, None)

    assert ("openai", False) == (found["x-gateway-provider"], "x-gateway-model" in found)


@settings(deadline=None)
@given(
    data=st.one_of(values, st.dictionaries(st.sampled_from(KEYS), values)),
    response=st.one_of(values, st.builds(SimpleNamespace, _hidden_params=values)),
)
async def test_any_request_gets_headers_that_can_be_sent_or_none(data, response):
    house = House()

    found = await house.callback.async_post_call_response_headers_hook(data, None, response)

    for name, value in (found or {}).items():
        assert f"{name}: {value}".isascii()
        assert value.isprintable()
    assert house.errors in ([], ["headers"])


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, CALL_TRACE_ID),
        ({"metadata": {"trace_id": "AB" * 16}}, "ab" * 16),
        ({"litellm_params": {"litellm_metadata": {"trace_id": "cd" * 16}}}, "cd" * 16),
        ({"proxy_server_request": {"body": {"litellm_trace_id": "ef" * 16}}}, "ef" * 16),
        (
            {"proxy_server_request": {"headers": {"x-litellm-trace-id": "ef" * 16}}},
            "ef" * 16,
        ),
        ({"litellm_trace_id": "ef" * 16}, CALL_TRACE_ID),  # LiteLLM's own, not the caller's
        (
            {
                "metadata": {"trace_id": "s-1", "session_id": "s-1"},
                "proxy_server_request": {"headers": {"x-litellm-session-id": "s-1"}},
            },
            CALL_TRACE_ID,  # or all requests of a session were one trace
        ),
        (
            {"proxy_server_request": {"headers": {"traceparent": PARENT}}},
            "0af7651916cd43dd8448eb211c80319c",
        ),
        (
            {"proxy_server_request": {"headers": {"traceparent": "00-" + "0" * 32 + PARENT[35:]}}},
            CALL_TRACE_ID,
        ),
    ],
)
def test_trace_ids(kwargs, expected):
    """What the caller gave wins; else it is the call's own."""
    assert expected == trace_id_of(kwargs, call_id=UUID)


@given(name=st.text(st.sampled_from("0aF-é\ud800x"), min_size=1))
def test_any_name_makes_a_trace_id(name):
    trace_id = normalised(name)

    assert (32, True) == (len(trace_id), trace_id != "0" * 32)
    assert set(trace_id) <= set("0123456789abcdef")
