"""Finished requests for the traces of tests."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from litellm_obs_plugin.record import (
    Attempt,
    Caller,
    Cost,
    CostStatus,
    Deployment,
    ErrorType,
    Failover,
    Failure,
    Operation,
    Outcome,
    Request,
    Source,
    TimeToFirstToken,
    Tokens,
    TraceDetails,
)

NOW = 1_795_491_000.0
CALL_ID = "4095f41f-2300-41b5-b62f-78d60a14dfda"
TRACE_ID = CALL_ID.replace("-", "")

PRIMARY = Deployment(id="dep-primary", model_group="primary", model="gpt-4o", provider="openai")
BACKUP = Deployment(id="dep-backup", model_group="backup", model="large", provider="mistral")
OVERLOADED = Failure(
    error_type=ErrorType.OVERLOADED,
    source=Source.PROVIDER,
    status_code=503,
    error_class="ServiceUnavailableError",
    message="the engine is overloaded",
    normalized="503_PROVIDER_OVERLOADED",
    traceback="litellm/main.py:1 in acompletion",
)


def failed(started_at: float = NOW + 0.1, deployment: Deployment = PRIMARY) -> Attempt:
    return Attempt(
        deployment=deployment,
        started_at=started_at,
        duration_s=0.2,
        outcome=Outcome.ERROR,
        failure=OVERLOADED,
    )


def answered(started_at: float = NOW + 2.0, deployment: Deployment = BACKUP) -> Attempt:
    return Attempt(
        deployment=deployment,
        started_at=started_at,
        duration_s=0.75,
        outcome=Outcome.SUCCESS,
        ttft=TimeToFirstToken(value_s=0.25),
        tokens=Tokens(input=100, cached_input=20, output=20, reasoning=10),
        cost=Cost(
            status=CostStatus.PRICED,
            total_usd=7e-05,
            components_usd={"input": 3e-05, "cache_read": 1e-05, "output": 3e-05},
        ),
    )


def request(number: int | None = None, **changed) -> Request:
    """Two failures, a failover, the answer."""
    call_id = CALL_ID if number is None else f"{number:08d}{CALL_ID[8:]}"
    whole = Request(
        call_id=call_id,
        trace_id=call_id.replace("-", ""),
        received_at=NOW,
        duration_s=3.0,
        operation=Operation.CHAT,
        stream=True,
        model_group="primary",
        outcome=Outcome.SUCCESS,
        attempts=(failed(), failed(NOW + 1), answered()),
        caller=Caller(team="blue", key_alias="ci", tags=("a", "b")),
        queue_s=0.001,
        failovers=(
            Failover(
                source=PRIMARY,
                target=BACKUP,
                reason=ErrorType.OVERLOADED,
                recovered=True,
                delay_s=1.9,
                cost_added_usd=1e-06,
            ),
        ),
        details=TraceDetails(user="eve", session="s-1", parameters={"temperature": 0.5}),
    )
    return replace(whole, **changed)


ends = st.sampled_from(
    [Outcome.SUCCESS, Outcome.ERROR, Outcome.CLIENT_DISCONNECT, Outcome.CACHE_HIT, Outcome.REJECTED]
)
costs = st.one_of(
    st.none(),
    st.just(Cost(status=CostStatus.UNPRICED, total_usd=None, unpriced_reason="no_price")),
    st.floats(min_value=0, max_value=100).map(
        lambda usd: Cost(
            status=CostStatus.PRICED, total_usd=usd, components_usd={"input": usd / 3, "tool": 0.1}
        )
    ),
)


@st.composite
def requests(draw) -> Request:
    """Any sequence of attempts, and any end."""
    deployments = draw(st.lists(st.sampled_from([PRIMARY, BACKUP]), max_size=4))
    outcome = draw(ends)
    attempts = [failed(NOW + n, d) for n, d in enumerate(deployments[:-1])]
    if deployments:
        last = answered(NOW + len(attempts), deployments[-1])
        was = Outcome.ERROR if outcome in (Outcome.ERROR, Outcome.REJECTED) else Outcome.SUCCESS
        attempts.append(replace(last, outcome=was, cost=draw(costs)))
    return request(
        attempts=tuple(attempts),
        outcome=outcome,
        failovers=(),
        failure=OVERLOADED if outcome is Outcome.ERROR else None,
        details=draw(st.one_of(st.none(), st.builds(TraceDetails, user=st.text(max_size=5)))),
        trace_id=draw(st.one_of(st.none(), st.just(TRACE_ID))),
    )
