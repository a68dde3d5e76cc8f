import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.demo.faults import CALM, DEMO, Fault, FaultKind, Outage, Schedule

OUTAGE = Outage(
    provider="openai", start_s=30, length_s=25, period_s=120, kind=FaultKind.UNAVAILABLE
)


@pytest.mark.parametrize(
    ("t_s", "down"),
    [(0, False), (29.9, False), (30, True), (54.9, True), (55, False), (149, False), (150, True)],
)
def test_an_outage_keeps_its_hours(t_s, down):
    assert down is OUTAGE.holds(t_s)


def test_an_outage_takes_one_whole_provider():
    schedule = Schedule(outages=(OUTAGE,))
    rng = random.Random(1)

    assert Fault(kind=FaultKind.UNAVAILABLE) == schedule.fault("openai", "any", 31, rng)
    assert schedule.fault("groq", "any", 31, rng) is None


def test_a_visitor_sees_the_first_outage_within_a_minute():
    assert min(outage.start_s for outage in DEMO.outages) < 60


def test_never_two_providers_down_at_once():
    """
    Otherwise a fallback would have nowhere to go.
    """
    down = [[o.provider for o in DEMO.outages if o.holds(t_s)] for t_s in range(3_600)]

    assert max(map(len, down)) == 1


def test_rates_come_out_as_asked():
    schedule = Schedule(rates=((FaultKind.SERVER_ERROR, 0.1), (FaultKind.RATE_LIMIT, 0.05)))
    rng = random.Random(3)

    kinds = [f.kind if (f := schedule.fault("p", "m", 0, rng)) else None for _ in range(20_000)]

    assert kinds.count(FaultKind.SERVER_ERROR) == pytest.approx(2_000, rel=0.1)
    assert kinds.count(FaultKind.RATE_LIMIT) == pytest.approx(1_000, rel=0.15)


@given(t_s=st.floats(min_value=0, max_value=1e6), seed=st.integers())
def test_the_test_profile_never_fails(t_s, seed):
    assert CALM.fault("openai", "gpt-4o", t_s, random.Random(seed)) is None
