from __future__ import annotations

import pytest

from litellm_obs_plugin.host.failover import read_failovers
from litellm_obs_plugin.host.publisher import Publisher
from litellm_obs_plugin.record import (
    Attempt,
    Cost,
    CostStatus,
    Deployment,
    ErrorType,
    Failure,
    Operation,
    Outcome,
    Request,
    Source,
    Tokens,
)


def deployment(group):
    return Deployment(id=f"dep-{group}", model_group=group, model=group, provider="openai")


def failed(group, at, error_type=ErrorType.TIMEOUT):
    return Attempt(
        deployment=deployment(group),
        started_at=at,
        duration_s=1.0,
        outcome=Outcome.ERROR,
        failure=error_type and Failure(error_type=error_type, source=Source.PROVIDER),
    )


def good(group, at, *, usd=0.75, tokens=Tokens(input=10)):  # noqa: B008 frozen
    status = CostStatus.UNPRICED if usd is None else CostStatus.PRICED
    cost = Cost(status=status, total_usd=usd)
    return Attempt(
        deployment=deployment(group),
        started_at=at,
        duration_s=1.0,
        outcome=Outcome.SUCCESS,
        tokens=tokens,
        cost=cost,
    )


def request(*attempts, asked="first"):
    return Request(
        call_id="c",
        received_at=0.0,
        duration_s=9.0,
        operation=Operation.CHAT,
        stream=False,
        model_group=asked,
        outcome=attempts[-1].outcome if attempts else Outcome.REJECTED,
        attempts=attempts,
    )


def failovers(asked, *, first=None, usd=0.25):
    """With *first* as the group's first choice, at whose price the tokens cost *usd*."""
    found = read_failovers(
        asked,
        first_choice=lambda group: deployment(first or group),
        price_tokens=lambda where, tokens: usd,
    )
    return [
        (f.source.model_group, f.target.model_group, f.reason, f.recovered) for f in found
    ], found


def test_a_retry_is_no_failover():
    assert [] == failovers(request(failed("first", 1), good("first", 2)))[0]


def test_nothing_tried_is_no_failover():
    assert [] == failovers(request())[0]


def test_a_failover_that_recovers():
    """Time is lost from the first attempt on, money is the difference to the first choice."""
    hops, (one,) = failovers(request(failed("first", 1), failed("first", 2), good("second", 4)))

    assert [("first", "second", "timeout", True)] == hops
    assert (3.0, 0.5) == (one.delay_s, one.cost_added_usd)


def test_a_failover_that_fails():
    hops, (one,) = failovers(request(failed("first", 1), failed("second", 4)))

    assert [("first", "second", "timeout", False)] == hops
    assert (None, None) == (one.delay_s, one.cost_added_usd)


def test_a_chain():
    """Only the last hop recovered the request."""
    asked = request(failed("first", 1), failed("second", 2, ErrorType.RATE_LIMIT), good("third", 3))

    assert [
        ("first", "second", "timeout", False),
        ("second", "third", "rate_limit", True),
    ] == failovers(asked)[0]


def test_a_failure_without_a_reason():
    hops, _ = failovers(request(failed("first", 1, None), good("second", 2)))

    assert "other" == hops[0][2]


def test_a_group_that_rests_was_not_even_tried():
    hops, (one,) = failovers(request(good("second", 4)))

    assert [("first", "second", "overloaded", True)] == hops
    assert (0.0, 0.5) == (one.delay_s, one.cost_added_usd)


@pytest.mark.parametrize("first", ["second"])
def test_an_alias_is_no_failover(first):
    assert [] == failovers(request(good("second", 4), asked="nickname"), first=first)[0]


def test_of_an_unknown_group_nothing_is_said():
    assert [] == failovers(request(good("second", 4), asked="other"))[0]


@pytest.mark.parametrize(
    ("answer", "usd"),
    [
        (good("second", 2, usd=None), 0.25),
        (good("second", 2, tokens=None), 0.25),
        (good("second", 2), None),
    ],
)
def test_a_difference_that_is_not_known(answer, usd):
    _, (one,) = failovers(request(failed("first", 1), answer), usd=usd)

    assert one.cost_added_usd is None


class Everything:
    def __init__(self):
        self.seen = []

    def first_choice(self, group):
        return deployment(group)

    def price_tokens(self, where, tokens):
        return 0.25

    def record(self, request):
        self.seen.append(request)


def test_every_sink_gets_the_same_finished_request():
    sinks = Everything(), Everything()
    publisher = Publisher(directory=Everything(), sinks=sinks, timed=[].append)

    publisher.publish(request(failed("first", 1), good("second", 2)))
    publisher.publish(plain := request(good("first", 1)))

    assert sinks[0].seen == sinks[1].seen
    assert [1, 0] == [len(r.failovers) for r in sinks[0].seen]
    assert plain is sinks[0].seen[1]
