from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litellm_obs_plugin.health.finding import Finding
from litellm_obs_plugin.health.signals import Background, Circuit
from litellm_obs_plugin.health.status import Status, worst
from litellm_obs_plugin.health.verdict import decisive, judge, judge_traffic, wilson
from tests.health.house import counts, probed, signals, traffic

HEALTHY, DEGRADED, UNHEALTHY = Status
numbers = st.integers(min_value=0, max_value=10_000)


@given(part=numbers, rest=numbers)
def test_the_true_share_lies_in_its_interval(part, rest):
    low, high = wilson(part, part + rest)

    assert 0.0 <= low <= high <= 1.0
    if part + rest:
        assert low <= part / (part + rest) + 1e-12
        assert part / (part + rest) - 1e-12 <= high


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(0, 10, (0.0, 0.2775)), (5, 5, (0.5655, 1.0)), (50, 100, (0.4038, 0.5962)), (0, 0, (0, 1))],
)
def test_known_intervals(part, whole, expected):
    assert expected == pytest.approx(wilson(part, whole), abs=1e-4)


@pytest.mark.parametrize(
    ("good", "bad", "status"),
    [
        (0, 4, None),
        (4, 0, None),
        (5, 0, HEALTHY),
        (4, 1, HEALTHY),
        (0, 5, UNHEALTHY),
        (3, 2, DEGRADED),
        (95, 5, HEALTHY),
        (880, 120, DEGRADED),
        (400, 600, UNHEALTHY),
        (450, 550, UNHEALTHY),
        (500, 500, DEGRADED),
    ],
)
def test_traffic(good, bad, status):
    """Few attempts say little: it is what is certain that counts."""
    verdict = judge_traffic(traffic(counts(good, timeout=bad)))

    assert status == (verdict.status if verdict is not None else None)


def test_the_reason_names_the_failures():
    verdict = judge_traffic(traffic(counts(1, timeout=2, auth=7)))

    assert "9 of 10 calls in 300 s failed (auth 7, timeout 2)" == verdict.reason


def test_an_outage_is_seen_at_once():
    """Five failures now weigh more than a hundred successes of the last minutes."""
    verdict = judge_traffic(traffic(counts(100, server_error=5), counts(0, server_error=5)))

    assert UNHEALTHY is verdict.status
    assert "5 of 5 calls in 30 s" in verdict.reason


def test_a_recovery_is_seen_at_once():
    assert HEALTHY is judge_traffic(traffic(counts(10, timeout=90), counts(10))).status


def test_chance_does_not_make_a_recovery():
    """Of calls of which one in ten fails, six good ones in a row say nothing."""
    told = traffic(counts(180, timeout=20), counts(6))

    assert told.window is decisive(told)
    assert DEGRADED is judge_traffic(told).status


def test_nothing_known_is_well():
    assert (HEALTHY, "no signal yet") == (judge(signals()).status, judge(signals()).reason)


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (Finding.OK, HEALTHY),
        (Finding.UNKNOWN, HEALTHY),
        (Finding.RATE_LIMIT, DEGRADED),
        *((one, UNHEALTHY) for one in Finding if one not in ("ok", "unknown", "rate_limit")),
    ],
)
def test_a_probe_alone(finding, status):
    assert status is judge(signals(probe=probed(finding))).status


@pytest.mark.parametrize(
    ("open_workers", "status"), [(0, HEALTHY), (1, DEGRADED), (2, UNHEALTHY), (3, UNHEALTHY)]
)
def test_a_circuit_alone(open_workers, status):
    circuit = Circuit(open_workers=open_workers, workers=2)

    assert status is judge(signals(circuit=circuit)).status


def test_a_failed_background_check_degrades():
    failed = signals(background=Background(healthy=False, detail="AuthenticationError: no"))

    assert DEGRADED is judge(failed).status
    assert "AuthenticationError: no" in judge(failed).reason
    assert HEALTHY is judge(signals(background=Background(healthy=True))).status


def test_calls_that_succeed_weigh_more_than_a_probe_that_fails():
    live = traffic(counts(50), counts(5))
    verdict = judge(signals(traffic=live, probe=probed(Finding.DNS)))

    assert DEGRADED is verdict.status
    assert "the probe fails (it fails), but 50 of 50 calls succeeded" == verdict.reason


def test_calls_that_succeeded_some_time_ago_do_not():
    old = traffic(counts(50), age_s=120.0)

    assert UNHEALTHY is judge(signals(traffic=old, probe=probed(Finding.DNS))).status


def test_a_good_probe_refutes_old_failures():
    """Nobody calls it any more, so no call can show that it is up again."""
    old = traffic(counts(0, timeout=9), age_s=60.0)

    assert UNHEALTHY is judge(signals(traffic=old)).status
    assert HEALTHY is judge(signals(traffic=old, probe=probed())).status


def test_a_probe_does_not_refute_failures_of_now():
    live = traffic(counts(0, timeout=9), counts(0, timeout=9))

    assert UNHEALTHY is judge(signals(traffic=live, probe=probed())).status


@pytest.mark.parametrize("kind", ["auth", "rate_limit", "budget"])
def test_a_probe_without_a_key_refutes_nothing_about_the_key(kind):
    old = traffic(counts(0, **{kind: 9}), age_s=60.0)

    assert UNHEALTHY is judge(signals(traffic=old, probe=probed())).status
    assert HEALTHY is judge(signals(traffic=old, probe=probed(authenticated=True))).status


def test_every_trouble_is_named():
    verdict = judge(
        signals(
            circuit=Circuit(open_workers=1, workers=1),
            traffic=traffic(counts(0, timeout=9)),
            probe=probed(),
        )
    )

    assert "rests: LiteLLM has cooled it down; 9 of 9 calls in 300 s failed (timeout 9)" == (
        verdict.reason
    )


@given(
    finding=st.sampled_from(Finding),
    good=numbers,
    bad=numbers,
    age_s=st.one_of(st.none(), st.floats(min_value=0, max_value=400)),
    open_workers=st.integers(min_value=0, max_value=3),
)
def test_one_more_sign_of_trouble_never_makes_it_better(finding, good, bad, age_s, open_workers):
    """Whatever else is known, an open circuit does not improve a verdict."""
    given = {
        "probe": probed(finding),
        "traffic": traffic(counts(good, timeout=bad), counts(good, timeout=bad), age_s=age_s),
    }
    without = judge(signals(**given)).status
    with_it = judge(signals(**given, circuit=Circuit(open_workers=open_workers, workers=2))).status

    assert with_it is worst((without, with_it))


def test_the_worst():
    assert [HEALTHY, DEGRADED, UNHEALTHY] == [
        worst(()),
        worst((DEGRADED, HEALTHY)),
        worst((HEALTHY, UNHEALTHY, DEGRADED)),
    ]
