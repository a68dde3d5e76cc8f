from litellm_obs_plugin.demo.ledger import Call, Ledger
from litellm_obs_plugin.demo.usage import Usage


def make_call(case: str = "a", status: int = 200) -> Call:
    return Call(
        at=1.0,
        provider="openai",
        path="/v1/chat/completions",
        model="gpt-4o",
        case=case,
        status=status,
        fault=None,
        stream=False,
        usage=Usage(input_tokens=3, output_tokens=2),
        latency_s=0.5,
        ttft_s=None,
        authorization_seen=True,
        aborted=False,
    )


def test_calls_by_case_and_number():
    ledger = Ledger()
    for case in ("a", "b", "a"):
        ledger.add(make_call(case))

    assert [1, 3] == [call["seq"] for call in ledger.calls(case="a")]
    assert [2, 3] == [call["seq"] for call in ledger.calls(since=1)]


def test_a_call_is_flat_json():
    ledger = Ledger()
    ledger.add(make_call())

    (call,) = ledger.calls()

    assert (3, 2, 0) == (call["input_tokens"], call["output_tokens"], call["cached_tokens"])
    assert "usage" not in call


def test_the_ring_is_bounded_and_the_totals_are_not():
    ledger = Ledger(capacity=2)
    for status in (200, 500, 200):
        ledger.add(make_call(status=status))

    assert 2 == len(list(ledger.calls()))
    assert 3 == ledger.totals()["calls"]
    assert 9 == ledger.totals()["tokens"]["input_tokens"]
    assert [2, 1] == [row["calls"] for row in ledger.totals()["by"]]


def test_numbering_survives_a_reset():
    ledger = Ledger()
    ledger.add(make_call())
    ledger.reset()
    ledger.add(make_call())

    assert [2] == [call["seq"] for call in ledger.calls()]
    assert 1 == ledger.totals()["calls"]
