from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from litellm_obs_plugin.gateway_api.answer import build_answer
from litellm_obs_plugin.record import (
    Attempt,
    Cost,
    CostStatus,
    Deployment,
    Operation,
    Outcome,
    Request,
    TimeToFirstToken,
    Tokens,
)
from tests.gateway_api.requests import requests

ATTEMPT = Attempt(
    deployment=Deployment(id="dep-1", model_group="chat", model="gpt-4o", provider="openai"),
    started_at=1.0,
    duration_s=2.0,
    outcome=Outcome.SUCCESS,
    ttft=TimeToFirstToken(value_s=0.5),
    tokens=Tokens(input=10, cached_input=5, output=3, reasoning=2),
    cost=Cost(status=CostStatus.PRICED, total_usd=0.25),
)
REQUEST = Request(
    call_id="c",
    received_at=0.0,
    duration_s=4.0,
    operation=Operation.CHAT,
    stream=True,
    model_group="chat",
    outcome=Outcome.SUCCESS,
    attempts=(ATTEMPT,),
    trace_id="ab" * 16,
    queue_s=0.5,
)


def shown(request):
    return build_answer("c", request).model_dump(mode="json", by_alias=True)


def test_the_whole_object():
    assert {
        "requestId": "c",
        "traceId": "ab" * 16,
        "traceUrl": None,
        "provider": "openai",
        "model": "gpt-4o",
        "deployment": "dep-1",
        "outcome": "success",
        "attempts": 1,
        "failovers": 0,
        "costUsd": 0.25,
        "costStatus": "priced",
        "tokens": {"input": 15, "output": 5, "total": 20},
        "timing": {
            "totalMs": 4000.0,
            "providerMs": 2000.0,
            "overheadMs": 1500.0,
            "ttftMs": 500.0,
            "queueMs": 500.0,
        },
    } == shown(REQUEST)


def test_a_request_that_has_not_ended_is_pending():
    answer = shown(None)

    assert ("c", "pending") == (answer.pop("requestId"), answer.pop("costStatus"))
    assert {None} == set(answer.values())


def test_what_no_deployment_was_called_for_is_not_known():
    answer = shown(replace(REQUEST, attempts=(), duration_s=None, queue_s=None))

    assert ("unknown", None, None) == (
        answer["costStatus"],
        answer["tokens"],
        answer["provider"],
    )
    assert {None} == set(answer["timing"].values())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(request_=requests())
def test_times_are_never_negative(request_):
    timing = build_answer("c", request_).timing

    assert all(ms >= 0 for ms in timing.model_dump().values() if ms is not None)
