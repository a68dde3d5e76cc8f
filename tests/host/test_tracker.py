from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.host.tracker import MAX_FINISHED, Tracker
from litellm_obs_plugin.record import (
    Attempt,
    Deployment,
    ErrorType,
    Operation,
    Outcome,
    Request,
)
from tests.host.fakes import FakeClock

KEY = ("call-1", 1.0)


def deployment(name="dep-1"):
    return Deployment(id=name, model_group="chat", model="gpt-4o-mini", provider="openai")


def attempt(name="dep-1", outcome=Outcome.ERROR, started_at=1.0):
    return Attempt(
        deployment=deployment(name), started_at=started_at, duration_s=0.5, outcome=outcome
    )


def request(key=KEY, **fields):
    return Request(
        call_id=key[0],
        received_at=1.0,
        duration_s=1.0,
        operation=Operation.CHAT,
        stream=False,
        model_group="chat",
        outcome=Outcome.SUCCESS,
        **fields,
    )


class Tracked:
    def __init__(self, **bounds):
        self.clock = FakeClock(100.0)
        self.emitted: list[Request] = []
        self.dropped: list[str] = []
        self.tracker = Tracker(
            emit=self.emitted.append, dropped=self.dropped.append, clock=self.clock, **bounds
        )

    def ids(self):
        return [r.call_id for r in self.emitted]


@pytest.fixture
def tracked():
    return Tracked()


def test_attempts_stand_in_front_of_the_requests_own(tracked):
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_ended(KEY, attempt())
    tracked.tracker.attempt_started(KEY, deployment("dep-2"))

    tracked.tracker.finish(KEY, request(attempts=(attempt("dep-2", Outcome.SUCCESS),)))

    (emitted,) = tracked.emitted
    assert ["dep-1", "dep-2"] == [a.deployment.id for a in emitted.attempts]
    assert 0 == len(tracked.tracker)


def test_the_second_end_of_a_request_is_not_another_request(tracked):
    for _ in range(3):
        tracked.tracker.finish(KEY, request())

    assert ["call-1"] == tracked.ids()


def test_an_attempt_after_the_end_opens_nothing(tracked):
    """Of a stream of /v1/responses the hooks come after the event."""
    tracked.tracker.finish(KEY, request())

    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_ended(KEY, attempt())

    assert (0, None) == (len(tracked.tracker), tracked.tracker.running(KEY))


def test_without_a_time_of_receipt_the_same_id_is_another_request(tracked):
    """Callers may choose the id; then it alone proves nothing."""
    for _ in range(2):
        tracked.tracker.finish(("chosen", None), request(("chosen", None)))

    assert 2 == len(tracked.emitted)


def test_the_same_id_received_at_another_time_is_another_request(tracked):
    tracked.tracker.finish(("chosen", 1.0), request())
    tracked.tracker.finish(("chosen", 2.0), request())

    assert 2 == len(tracked.emitted)


def test_a_second_start_of_the_running_deployment_is_the_same_attempt(tracked):
    """The host translates one API to another by calling itself."""
    tracked.tracker.attempt_started(KEY, deployment())
    first = tracked.tracker.running(KEY)
    tracked.clock.set(105.0)

    tracked.tracker.attempt_started(KEY, deployment())

    assert first is tracked.tracker.running(KEY)


def test_a_start_of_another_deployment_ends_the_running_one(tracked):
    """A stream that broke and was taken over: no hook tells of its end."""
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.clock.set(103.0)
    tracked.tracker.attempt_started(KEY, deployment("dep-2"))

    tracked.tracker.finish(KEY, request())

    ((broken,),) = (r.attempts for r in tracked.emitted)
    assert ("dep-1", Outcome.ERROR, 3.0) == (
        broken.deployment.id,
        broken.outcome,
        broken.duration_s,
    )
    assert ErrorType.CONNECTION is broken.failure.error_type


def test_an_answered_attempt_is_kept_when_another_starts(tracked):
    tracked.tracker.attempt_started(KEY, deployment())
    answered = attempt(outcome=Outcome.SUCCESS)
    tracked.tracker.attempt_answered(KEY, answered)
    tracked.tracker.attempt_started(KEY, deployment())

    tracked.tracker.finish(KEY, request())

    assert (answered,) == tracked.emitted[0].attempts


def test_a_clock_that_went_back_gives_no_negative_time(tracked):
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.clock.set(90.0)
    tracked.tracker.attempt_started(KEY, deployment("dep-2"))

    tracked.tracker.finish(KEY, request())

    assert 0.0 == tracked.emitted[0].attempts[0].duration_s


def test_what_was_tried_first(tracked):
    assert tracked.tracker.first_deployment(KEY) is None

    tracked.tracker.attempt_started(KEY, deployment())
    assert deployment() == tracked.tracker.first_deployment(KEY)

    tracked.tracker.attempt_ended(KEY, attempt())
    tracked.tracker.attempt_started(KEY, deployment("dep-2"))
    assert deployment() == tracked.tracker.first_deployment(KEY)


def test_what_was_tried_until_now(tracked):
    assert () == tracked.tracker.attempts(KEY)

    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_ended(KEY, attempt())
    assert (attempt(),) == tracked.tracker.attempts(KEY)

    tracked.tracker.attempt_started(KEY, deployment("dep-2"))
    assert ["dep-1", "dep-2"] == [a.deployment.id for a in tracked.tracker.attempts(KEY)]


def test_ends_without_a_start_are_ignored(tracked):
    """A failure event fires also for attempts whose end a hook told already."""
    tracked.tracker.attempt_ended(KEY, attempt())
    tracked.tracker.attempt_answered(KEY, attempt())
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_ended(KEY, attempt())
    tracked.tracker.attempt_ended(KEY, attempt())
    tracked.tracker.attempt_answered(KEY, attempt())

    tracked.tracker.finish(KEY, request())

    assert 1 == len(tracked.emitted[0].attempts)


def test_a_failure_is_believed_when_another_attempt_starts(tracked):
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_perhaps_broke(KEY, attempt(started_at=7.0))
    tracked.tracker.attempt_started(KEY, deployment())  # a retry at the same deployment
    assert tracked.tracker.broken(KEY) is None

    tracked.tracker.finish(KEY, request(attempts=(attempt(outcome=Outcome.SUCCESS),)))

    ends = [(a.started_at, a.outcome) for a in tracked.emitted[0].attempts]
    assert [(7.0, Outcome.ERROR), (1.0, Outcome.SUCCESS)] == ends


def test_a_failure_is_not_believed_when_the_attempt_answers(tracked):
    """Of an attempt that ended before, it came late and in the name of the one that runs."""
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_started(KEY, deployment("dep-2"))
    tracked.tracker.attempt_perhaps_broke(KEY, attempt("dep-2"))

    answered = attempt("dep-2", outcome=Outcome.SUCCESS)
    tracked.tracker.finish(KEY, request(attempts=(answered,)))

    ends = [(a.deployment.id, a.outcome) for a in tracked.emitted[0].attempts]
    assert [("dep-1", Outcome.ERROR), ("dep-2", Outcome.SUCCESS)] == ends


def test_a_failure_without_an_attempt_is_ignored(tracked):
    tracked.tracker.attempt_perhaps_broke(KEY, attempt())

    assert tracked.tracker.broken(KEY) is None


def test_no_more_than_so_many_are_open():
    """The oldest goes, and that is counted."""
    tracked = Tracked(max_open=3)

    for n in range(5):
        tracked.tracker.attempt_started((f"call-{n}", 1.0), deployment())

    assert (3, ["tracker_full"] * 2) == (len(tracked.tracker), tracked.dropped)
    assert tracked.tracker.running(("call-0", 1.0)) is None
    assert tracked.tracker.running(("call-4", 1.0)) is not None


def test_requests_that_never_end_are_given_up():
    tracked = Tracked(time_to_live_s=10.0)
    for n in range(3):
        tracked.clock.set(100.0 + n)
        tracked.tracker.attempt_started((f"call-{n}", 1.0), deployment())

    tracked.clock.set(111.5)
    tracked.tracker.attempt_started(("late", 1.0), deployment())

    assert (2, ["expired"] * 2) == (len(tracked.tracker), tracked.dropped)


def test_a_request_that_was_given_up_still_counts_when_it_ends():
    tracked = Tracked(max_open=1)
    tracked.tracker.attempt_started(KEY, deployment())
    tracked.tracker.attempt_started(("call-2", 1.0), deployment())

    tracked.tracker.finish(KEY, request())

    assert ["call-1"] == tracked.ids()


def test_the_memory_of_finished_requests_is_bounded(tracked):
    tracked.tracker.finish(KEY, request())
    for n in range(MAX_FINISHED):
        tracked.tracker.finish((f"other-{n}", 1.0), request())
    tracked.emitted.clear()

    tracked.tracker.finish(KEY, request())
    tracked.tracker.finish((f"other-{MAX_FINISHED - 1}", 1.0), request())

    assert ["call-1"] == tracked.ids()


@st.composite
def interleavings(draw):
    """Failed attempts per request, and whose turn it is, step by step."""
    failed = draw(st.lists(st.integers(0, 3), min_size=1, max_size=5))
    turns = [n for n, attempts in enumerate(failed) for _ in range(2 * attempts + 3)]
    return failed, draw(st.permutations(turns))


def steps_of(tracked, key, failed):
    """What the host tells of one request, one call at a time; its end it tells twice."""
    for n in range(failed):
        yield tracked.tracker.attempt_started(key, deployment(f"dep-{n}"))
        yield tracked.tracker.attempt_ended(key, attempt(f"dep-{n}"))
    yield tracked.tracker.attempt_started(key, deployment("last"))
    last = attempt("last", Outcome.SUCCESS)
    for _ in range(2):
        yield tracked.tracker.finish(key, replace(request(key), attempts=(last,)))


@given(case=interleavings())
def test_any_interleaving_emits_each_request_once_and_whole(case):
    """Requests do not mix, whoever's event comes first."""
    failed, turns = case
    tracked = Tracked()
    clock = count(100)
    steps = [steps_of(tracked, (f"call-{n}", float(n)), f) for n, f in enumerate(failed)]

    for turn in turns:
        tracked.clock.set(float(next(clock)))
        next(steps[turn])

    expected = {
        f"call-{n}": [*(f"dep-{i}" for i in range(f)), "last"] for n, f in enumerate(failed)
    }
    assert len(failed) == len(tracked.emitted)
    assert expected == {r.call_id: [a.deployment.id for a in r.attempts] for r in tracked.emitted}
    assert (0, []) == (len(tracked.tracker), tracked.dropped)
