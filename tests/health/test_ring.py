from __future__ import annotations

import pytest

from litellm_obs_plugin.health.ring import Ring, sample_of
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from tests.health.house import NOW, counts, snapshot

GOOD = ("chat", "openai", "m", "success", "")
SLOW = ("chat", "openai", "m", "error", "timeout")
KEY = ("chat", "openai", "m")


@pytest.fixture
def ring():
    return Ring(window_s=300.0, recent_s=30.0, period_s=10.0)


def at(seconds, *rows, **series):
    return snapshot(*rows, at=NOW + seconds, **series)


def everything(key):
    return True


def test_before_the_first_sample(ring):
    assert ring.traffic(everything) is None
    assert (0.0, None, set()) == (
        ring.increase("plugin_errors_total"),
        ring.lag(),
        ring.providers(),
    )


def test_what_was_counted_before_is_not_known(ring):
    """A restarted proxy does not judge by the failures of last week."""
    ring.add(at(0, (*SLOW, 900)))

    assert counts() == ring.traffic(everything).window


def test_what_is_counted_since(ring):
    ring.add(at(0, (*GOOD, 5), (*SLOW, 1)))
    ring.add(at(10, (*GOOD, 9), (*SLOW, 3)))

    told = ring.traffic(everything)
    assert counts(4, timeout=2) == told.window == told.recent
    assert (10.0, 0.0, False) == (told.window_s, told.age_s, told.is_stale)


def test_the_latest_part_alone(ring):
    for n in range(5):
        ring.add(at(10 * n, (*GOOD, 10 * n)))

    told = ring.traffic(everything)
    assert (40, 30) == (told.window.successes, told.recent.successes)


def test_what_is_older_than_the_window_is_forgotten(ring):
    for n in range(100):
        ring.add(at(10 * n, (*SLOW, min(n, 20))))

    assert counts() == ring.traffic(everything).window
    assert len(ring._samples) <= 32


def test_looks_in_quick_succession_are_not_kept(ring):
    """An admin who probes by hand does not make the memory grow; the newest is always seen."""
    for n in range(100):
        ring.add(at(0.1 * n, (*GOOD, n)))

    assert len(ring._samples) <= 2
    assert 99 == ring.traffic(everything).window.successes


def test_the_callers_mistakes_do_not_count():
    kinds = ("bad_request", "not_found", "context_length", "content_policy")
    rows = [(*KEY, "error", kind, 7) for kind in kinds]

    assert {} == sample_of(at(0, *rows, (*KEY, "client_disconnect", "", 3))).attempts


def test_a_count_that_starts_anew(ring):
    ring.add(at(0, (*GOOD, 50)))
    ring.add(at(10, (*GOOD, 3)))

    assert counts(3) == ring.traffic(everything).window


def test_how_long_ago_the_last_one_was(ring):
    ring.add(at(0))
    ring.add(at(10, (*GOOD, 1)))
    ring.add(at(60, (*GOOD, 1)))

    told = ring.traffic(everything)
    assert (50.0, True) == (told.age_s, told.is_stale)
    assert ring.traffic(lambda key: key[1] == "mistral").age_s is None


def test_providers_that_were_called(ring):
    ring.add(at(0, (*GOOD, 1)))
    assert set() == ring.providers()

    ring.add(at(10, (*GOOD, 2)))
    assert {"openai"} == ring.providers()

    ring.add(at(400, (*GOOD, 2)))
    assert set() == ring.providers()


def test_unchanged_counts_are_shared():
    first = sample_of(at(0, (*GOOD, 1)))

    assert first.attempts[KEY] is sample_of(at(10, (*GOOD, 1)), first).attempts[KEY]


def test_how_much_a_total_rose(ring):
    for n in (4.0, 4.0, 9.0):
        ring.add(at(10 * n, plugin_errors_total={("scrape",): n}))

    assert 5.0 == ring.increase("plugin_errors_total")


def test_the_lag_of_the_window(ring):
    early = Sketch.of(SECONDS, [3.0] * 10)
    late = Sketch.of(SECONDS, [3.0] * 10 + [0.01] * 5)
    ring.add(at(0, event_loop_lag_seconds={(): early}))
    ring.add(at(10, event_loop_lag_seconds={(): late}))

    assert 5 == ring.lag().count
    assert pytest.approx(0.01, rel=0.03) == ring.lag().get_quantile_value(0.99)
