from __future__ import annotations

import asyncio

from litellm_obs_plugin.host.answers import Answers
from litellm_obs_plugin.record import Operation, Outcome, Request


def finished(call_id="c", received_at=10.0, outcome=Outcome.SUCCESS):
    return Request(
        call_id=call_id,
        received_at=received_at,
        duration_s=1.0,
        operation=Operation.CHAT,
        stream=False,
        model_group="chat",
        outcome=outcome,
    )


async def test_what_has_ended_needs_no_wait():
    answers = Answers()
    answers.record(finished())

    assert finished() == await answers.wait(("c", 10.0), timeout_s=0)


async def test_all_who_wait_are_woken():
    answers = Answers()
    waiting = [asyncio.ensure_future(answers.wait(("c", 10.0), timeout_s=10)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)

    answers.record(finished("other"))
    answers.record(finished())

    assert [finished()] * 2 == await asyncio.gather(*waiting[1:])
    assert {} == answers._waiting


async def test_what_does_not_end_in_time_is_not_known():
    answers = Answers()

    assert await answers.wait(("c", 10.0), timeout_s=0.001) is None
    assert {} == answers._waiting


async def test_somebody_elses_request_of_the_same_id():
    """Callers may choose the id: one received before or after is not theirs."""
    answers = Answers()
    answers.record(finished(received_at=9.0))
    answers.record(finished(received_at=10.5))

    assert answers.get(("c", 10.0)) is None
    assert await answers.wait(("c", 10.0), timeout_s=0.001) is None


def test_only_so_many_are_remembered():
    answers = Answers(capacity=2)
    for call_id in ("a", "b", "a", "c"):
        answers.record(finished(call_id))

    assert [True, False, True] == [
        answers.get((call_id, 10.0)) is not None for call_id in ("a", "b", "c")
    ]


async def test_a_request_that_was_refused_before_its_time_of_receipt_was_noted():
    """Its own time is that of the refusal. One refused earlier is not it."""
    answers = Answers()
    waiting = asyncio.ensure_future(answers.wait(("c", 10.0), timeout_s=10))
    await asyncio.sleep(0)
    answers.record(finished(received_at=9.0, outcome=Outcome.REJECTED))
    await asyncio.sleep(0)
    assert not waiting.done()

    refused = finished(received_at=10.1, outcome=Outcome.REJECTED)
    answers.record(refused)

    assert refused == await waiting
    assert {} == answers._waiting
