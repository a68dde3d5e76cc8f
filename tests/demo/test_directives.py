import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from litellm_obs_plugin.demo.directives import Directives, FaultRule, parse_directives
from litellm_obs_plugin.demo.faults import Fault, FaultKind
from litellm_obs_plugin.demo.usage import Usage


def test_all_directives_in_one_prompt():
    """
    Directives may stand anywhere in the text, in any order.
    """
    text = "Hi [stream:4,0.5][case:a b] and [latency:0.2], [tokens:100,20,40,5,10] [fault:m=500*2]"

    assert Directives(
        case="a b",
        usage=Usage(
            input_tokens=100,
            output_tokens=20,
            cached_tokens=40,
            reasoning_tokens=5,
            cache_write_tokens=10,
        ),
        latency_s=0.2,
        chunks=4,
        gap_s=0.5,
        faults=(FaultRule(target="m", fault=Fault(kind=FaultKind.SERVER_ERROR), first=2),),
    ) == parse_directives(text)


def test_short_tokens_leave_the_rest_zero():
    assert Usage(input_tokens=7, output_tokens=3) == parse_directives("[tokens:7,3]").usage


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_kind_can_be_asked_for(kind):
    (rule,) = parse_directives(f"[fault:openai/gpt-4o={kind}]").faults

    assert Fault(kind=kind) == rule.fault


def test_slow_has_seconds():
    (rule,) = parse_directives("[fault:m=slow:1.5*3]").faults

    assert (Fault(kind=FaultKind.SLOW, delay_s=1.5), 3) == (rule.fault, rule.first)


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        ("gpt-4o", True),
        ("openai/gpt-4o", True),
        ("*", True),
        ("groq/gpt-4o", False),
        ("gpt", False),
    ],
)
def test_a_rule_covers_a_model_everywhere_or_at_one_provider(target, covered):
    rule = FaultRule(target=target, fault=Fault(kind=FaultKind.DROP))

    assert covered is rule.covers("openai", "gpt-4o")


@pytest.mark.parametrize(
    "text",
    [
        "[latency:nan]",
        "[latency:-1]",
        "[tokens:1,x]",
        "[tokens:1,2,3,4,5,6]",
        "[tokens:٣]",
        "[fault:m]",
        "[fault:m=teapot]",
        "[fault:m=500*]",
        "[stream:x,y]",
        "[case:",
    ],
)
def test_what_cannot_be_read_is_ignored(text):
    assert Directives() == parse_directives(text)


_noise = st.text() | st.lists(
    st.sampled_from(["[", "]", ":", "=", "*", ",", ".", "-", "9" * 30, "case", "tokens"])
    | st.sampled_from(["latency", "fault", "stream", "slow", "500", "1e9", "٣", "²", "inf"])
).map("".join)


@given(text=_noise)
@example(text="[tokens:²,1]")
def test_any_text_can_be_parsed(text):
    """
    Prompts come from clients: no text may raise, and no number may be absurd.
    """
    found = parse_directives(text)

    assert found.latency_s is None or 0 <= found.latency_s <= 60
    assert found.usage is None or found.usage.cached_tokens <= found.usage.input_tokens
