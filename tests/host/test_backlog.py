"""Events wait for each other, never for long, and never when their end is asked for."""

from __future__ import annotations

import asyncio

import pytest

from litellm_obs_plugin.host.backlog import Backlog


class Case:
    def __init__(self, **bounds):
        self.handled, self.urgent, self.come = [], False, asyncio.Event()
        self.backlog = Backlog(handle=self.handle, is_urgent=lambda: self.urgent, **bounds)

    def handle(self, event):
        self.handled.append(event)
        self.come.set()

    def add(self, *names):
        for name in names:
            self.backlog.add_end(name, ({"litellm_call_id": name},))

    @property
    def names(self):
        return [event["litellm_call_id"] for event in self.handled]


def in_a_loop(run):
    async def main():
        await run()

    asyncio.run(main())


def test_events_are_handled_in_their_order_after_the_delay():
    case = Case(delay_s=0.01)

    async def run():
        case.add("a", "b")
        assert case.names == []
        await asyncio.wait_for(case.come.wait(), 10)
        case.come.clear()
        case.add("c")
        await asyncio.wait_for(case.come.wait(), 10)

    in_a_loop(run)

    assert case.names == ["a", "b", "c"]


def test_a_full_backlog_waits_no_longer():
    case = Case(delay_s=60.0, max_ended=3)

    async def run():
        case.add("a", "b", "c", "d")

    in_a_loop(run)

    assert case.names == ["a", "b", "c"]


@pytest.mark.parametrize(("about", "handled"), [("a", ["a", "b"]), ("z", []), (None, []), ([], [])])
def test_what_else_comes_of_a_request_comes_after_it(about, handled):
    case = Case(delay_s=60.0)

    async def run():
        case.add("a", "b")
        case.backlog.settle_for({"litellm_call_id": about})

    in_a_loop(run)

    assert handled == case.names


def test_nothing_waits_while_its_end_is_waited_for():
    case = Case(delay_s=60.0)

    async def run():
        case.add("a")
        case.urgent = True
        case.add("b")

    in_a_loop(run)

    assert case.names == ["a", "b"]


def test_without_a_loop_nothing_waits():
    case = Case(delay_s=60.0)

    case.add("a")

    assert case.names == ["a"]


@pytest.mark.parametrize("event", [None, 7, [], {"litellm_call_id": []}, {"litellm_call_id": {}}])
def test_what_is_no_event_is_handed_on_all_the_same(event):
    """Whoever handles it counts it."""
    case = Case(delay_s=60.0)

    async def run():
        case.backlog.add([], (event,))
        case.backlog.settle()

    in_a_loop(run)

    assert case.handled == [event]


def test_an_answer_is_no_news_once_its_request_has_ended():
    case = Case(delay_s=60.0)

    async def run():
        case.backlog.add("a", ({"litellm_call_id": "a started"},))
        case.backlog.add("a", ({"litellm_call_id": "a answered"},), passing=True)
        case.backlog.add("b", ({"litellm_call_id": "b answered"},), passing=True)
        case.add("a")
        case.backlog.settle()

    in_a_loop(run)

    assert case.names == ["a started", "b answered", "a"]


def test_a_second_attempt_begins_after_the_first_was_answered():
    """An answer that a guardrail refused, say: the end of the request does not tell of it."""
    case = Case(delay_s=60.0)

    async def run():
        case.backlog.add_start("a", ({"litellm_call_id": "first"},))
        case.backlog.add("a", ({"litellm_call_id": "answered"},), passing=True)
        case.backlog.add_start("a", ({"litellm_call_id": "second"},))
        case.add("a")
        case.backlog.settle()

    in_a_loop(run)

    assert case.names == ["first", "answered", "second", "a"]
