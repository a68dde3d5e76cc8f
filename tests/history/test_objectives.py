"""Objectives out of history: burn rates of windows, over hours and restarts."""

from __future__ import annotations

import pytest

from litellm_obs_plugin.promising import make_promises
from litellm_obs_plugin.sections import SloSettings
from tests.history.house import House

HOUR_S = 3600.0


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "state")
    yield house
    house.stop()


def count(house: House, *, good: int, bad: int) -> None:
    house.recorder.count("slo_events_total", "chat", "good", value=good)
    house.recorder.count("slo_events_total", "chat", "bad", value=bad)


def pass_time(house: House, seconds: float) -> None:
    """The writer writes as it does: every ten seconds, or as rarely as a test can afford."""
    for _ in range(int(seconds // 600) or 1):
        house.sleep(min(seconds, 600.0))
        house.write()


def states(house: House) -> dict:
    setting = SloSettings(name="chat", objective=0.9)
    promises = make_promises([setting], archive=lambda: house.archive, failed=pytest.fail)
    (found,) = promises.states(house.fleet.read())
    return found


def totals(house: House) -> dict[str, float]:
    return {window: one.total for window, one in states(house).counts.items()}


def test_each_window_has_its_own_requests(house):
    house.write()
    count(house, good=90, bad=10)
    pass_time(house, 20)
    pass_time(house, 2 * HOUR_S)
    count(house, good=40, bad=10)
    pass_time(house, 20)
    house.restart()
    house.write()
    pass_time(house, 1200)
    count(house, good=9, bad=1)
    house.sleep(1)

    assert totals(house) == {"5m": 10, "30m": 60, "1h": 60, "6h": 160, "3d": 160}
    rates = states(house).burn_rates
    assert rates["5m"] == pytest.approx(1.0)
    assert rates["1h"] == pytest.approx(11 / 60 / 0.1)
    assert states(house).budget_remaining == pytest.approx(1 - 21 / 160 / 0.1)


def test_the_windows_move_on(house):
    house.write()
    count(house, good=0, bad=5)
    pass_time(house, 20)
    pass_time(house, HOUR_S + 1200)

    assert totals(house) == {"5m": 0, "30m": 0, "1h": 0, "6h": 5, "3d": 5}
    assert states(house).burn_rates["1h"] is None
