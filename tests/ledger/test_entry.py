"""What a ledger entry keeps when there is more than fits."""

import json

import pytest

from litellm_obs_plugin.ledger.entry import encode, failover_entry, pack, request_entry, unpack
from litellm_obs_plugin.ledger.ring import MAX_ENTRY_BYTES
from litellm_obs_plugin.record import (
    Attempt,
    Deployment,
    Failover,
    Failure,
    Operation,
    Outcome,
    Request,
    Source,
)


def request_with(attempts: int, *, id_chars: int = 4) -> Request:
    """A request that failed *attempts* - 1 times and then was answered."""
    failure = Failure(
        error_type="overloaded",
        source=Source.PROVIDER,
        error_class="ServiceUnavailableError",
        message="m" * 300,
        status_code=503,
    )
    return Request(
        call_id="call-1",
        received_at=1_750_000_000.0,
        duration_s=9.0,
        operation=Operation.CHAT,
        stream=False,
        model_group="chat",
        outcome=Outcome.SUCCESS,
        failure=failure,
        attempts=tuple(
            Attempt(
                deployment=Deployment(
                    id=f"d-{at}".ljust(id_chars, "x"), model_group="chat", model="m", provider="p"
                ),
                started_at=1_750_000_000.0 + at,
                duration_s=0.5,
                outcome=Outcome.ERROR if at < attempts - 1 else Outcome.SUCCESS,
                failure=failure if at < attempts - 1 else None,
            )
            for at in range(attempts)
        ),
    )


@pytest.mark.parametrize(("attempts", "id_chars"), [(1, 4), (4, 4), (8, 4), (9, 4), (40, 80)])
def test_the_first_and_the_last_attempts_stay(attempts, id_chars):
    """And the number of all of them, however few fit."""
    request = request_with(attempts, id_chars=id_chars)

    for entry in (
        request_entry(request),
        failover_entry(
            request,
            Failover(
                source=request.attempts[0].deployment,
                target=request.attempts[-1].deployment,
                reason="overloaded",
                recovered=True,
                delay_s=1.0,
                cost_added_usd=None,
            ),
        ),
    ):
        data = encode(entry)
        kept = json.loads(data)
        ids = [attempt["deployment"] for attempt in kept["attempts"]]
        wanted = [attempt.deployment.id[:80] for attempt in request.attempts]
        assert len(data) <= MAX_ENTRY_BYTES
        assert kept["attemptCount"] == attempts
        assert (ids[0], ids[-1]) == (wanted[0], wanted[-1])
        assert ids == [one for one in wanted if one in ids]
        assert len(ids) >= min(attempts, 3)


def test_an_error_stays_with_many_attempts():
    assert json.loads(encode(request_entry(request_with(8))))["error"]["type"] == "overloaded"


@pytest.mark.parametrize(("attempts", "id_chars"), [(0, 4), (1, 4), (4, 4), (9, 4), (4, 80)])
def test_a_packed_request_reads_as_its_entry(attempts, id_chars):
    request = request_with(attempts, id_chars=id_chars)

    data = pack(request)

    assert len(data) <= MAX_ENTRY_BYTES
    assert json.loads(encode(request_entry(request))) == unpack(data)
    if attempts < 8:
        assert len(data) < len(encode(request_entry(request)))
