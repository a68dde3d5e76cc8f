"""Whatever the host sends: nothing is raised into it, and what was lost is counted."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litellm_obs_plugin.host.callback import InertCallback
from tests.host.fakes import House
from tests.host.garbage import arbitrary_hooks, damaged_recordings, unsound
from tests.host.recording import Hook, play, read_recording

STAGES = {
    "async_pre_call_deployment_hook": "attempt_start",
    "async_post_call_success_deployment_hook": "attempt_success",
    "async_post_call_failure_deployment_hook": "attempt_failure",
    "async_log_success_event": "request_success",
    "async_log_failure_event": "attempt_failure",
    "async_post_call_failure_hook": "request_failure",
}
CHAT_FAILED = "async_post_call_failure_hook"


async def play_each(house, hooks):
    """The stages under which errors were counted, one entry per hook."""
    counted = []
    for hook in hooks:
        before = len(house.errors)
        await play(house.callback, [hook], set_clock=house.clock.set)
        counted.append(house.errors[before:])
    return counted


@settings(deadline=None, max_examples=200)
@given(hooks=st.lists(arbitrary_hooks, min_size=1, max_size=4))
async def test_arbitrary_events(hooks):
    """Any value at all is either understood or counted once, under its stage."""
    house = House()

    counted = await play_each(house, hooks)

    for hook, stages in zip(hooks, counted, strict=True):
        assert stages in ([], [STAGES[hook.name]])
    assert [] == [bad for request in house.requests for bad in unsound(request)]


@settings(deadline=None, max_examples=300)
@given(hooks=damaged_recordings())
async def test_damaged_events(hooks):
    """A key that has gone or changed its type costs at most that event, never a wrong number."""
    house = House()

    counted = await play_each(house, hooks)

    for hook, stages in zip(hooks, counted, strict=True):
        assert stages in ([], [STAGES[hook.name]])
    assert [] == [bad for request in house.requests for bad in unsound(request)]


@pytest.mark.parametrize("event", [None, [], "text", 7])
@pytest.mark.parametrize("name", STAGES)
async def test_an_event_that_is_no_mapping(house, name, event):
    await play(house.callback, [Hook(name=name, at=1.0, event=event)])

    assert [STAGES[name]] == house.errors


@pytest.mark.parametrize("name", STAGES)
async def test_a_counter_that_fails_does_not_reach_the_host(house, name):
    """The hook before a deployment call would turn it into a 500 for the caller."""

    def count_error(stage):
        raise OSError("no space left on device")

    house.callback._count_error = count_error

    await play(house.callback, [Hook(name=name, at=1.0, event=None)])


async def test_a_user_object_that_fails_does_not_reach_the_host(house):
    class Hostile:
        @property
        def request_route(self):
            raise RuntimeError("not today")

    await house.callback.async_post_call_failure_hook({}, ValueError(), Hostile())

    assert ["request_failure"] == house.errors


async def test_a_sink_that_fails_costs_one_request(house):
    """The tracker has let the request go: it is not emitted twice, nor kept."""

    def full(request):
        raise OSError("no space left on device")

    house.tracker._emit = full

    await play(house.callback, read_recording("chat"), set_clock=house.clock.set)

    assert (["request_success"], 0) == (house.errors, len(house.tracker))


async def test_the_log_is_quiet_for_thirty_seconds(house, caplog):
    """A host whose payloads have changed would else fill the disk."""
    bad = [Hook(name="async_log_success_event", at=1.0, event=None)]

    for now in (0.0, 1.0, 29.9, 30.0, 59.9, 60.0):
        house.monotonic.set(now)
        await play(house.callback, bad)

    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert 3 == len(warnings)
    assert "request_success not recorded" in warnings[0].getMessage()
    assert isinstance(warnings[0].exc_info[1], TypeError)
    assert 6 == len(house.errors)


async def test_the_inert_callback_answers_every_hook():
    for hook in read_recording("both_fail"):
        await play(InertCallback(), [hook])
