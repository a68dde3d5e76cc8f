from __future__ import annotations

import pytest

from litellm_obs_plugin.host.circuits import CircuitWatch
from litellm_obs_plugin.host.directory import Directory
from litellm_obs_plugin.record import CircuitState
from tests.host.fakes import NOW, FakeClock, FakeMeter, FakeNames

ROUTER = [
    {
        "model_name": "chat",
        "model_info": {"id": "dep-chat"},
        "litellm_params": {"model": "openai/gpt-4o-mini"},
    },
    {"model_name": "odd", "model_info": None},
]
ENTERED = {"deployment_id": "dep-chat", "exception_status": 429, "cooldown_time": 5.0}
RESTING = {"dep-chat": {"timestamp": NOW, "cooldown_time": 5.0, "status_code": "429"}}
OPEN, CLOSED = CircuitState.OPEN, CircuitState.CLOSED


class Watched:
    def __init__(self):
        self.clock, self.meter, self.changes = FakeClock(), FakeMeter(), []
        self.watch = CircuitWatch(
            directory=Directory(FakeNames()),
            meter=self.meter,
            changed=self.changes.append,
            clock=self.clock,
        )
        self.look({})

    def look(self, active, *, after_s=0.0):
        self.clock.set(NOW + after_s)
        self.watch.look(ROUTER, active)

    def shown(self):
        labels = ("circuit_state", "dep-chat", "chat", "openai")
        return self.meter.values[*labels, "open"], self.meter.values[*labels, "closed"]

    def open_s(self):
        return self.meter.values.get(("circuit_open_seconds_total", "dep-chat", "openai"), 0.0)

    def told(self):
        return [(c.state, c.reason, c.at - NOW) for c in self.changes]


@pytest.fixture
def watched():
    return Watched()


def test_every_deployment_is_shown_from_the_start(watched):
    assert ((0.0, 1.0), []) == (watched.shown(), watched.told())


def test_an_entry_is_heard_at_once(watched):
    watched.watch.entered(ENTERED)

    assert (1.0, 0.0) == watched.shown()
    assert [(OPEN, "rate_limit", 0.0)] == watched.told()
    assert NOW + 5 == watched.changes[0].recovers_at


def test_it_closes_when_its_time_is_over(watched):
    """Seen at the next look, and dated when it happened."""
    watched.watch.entered(ENTERED)
    watched.look(RESTING, after_s=2.0)
    watched.look({}, after_s=5.75)

    assert (0.0, 1.0) == watched.shown()
    assert [(OPEN, "rate_limit", 0.0), (CLOSED, "rate_limit", 5.0)] == watched.told()
    assert 5.0 == watched.open_s()


def test_it_closes_early_when_the_host_says_so(watched):
    watched.watch.entered(ENTERED)
    watched.look({}, after_s=3.0)

    assert 3.0 == watched.open_s()


def test_an_entry_by_another_worker_is_seen(watched):
    watched.look(RESTING, after_s=1.0)

    assert [(OPEN, "rate_limit", 1.0)] == watched.told()


def test_an_entry_while_open_only_lasts_longer(watched):
    watched.watch.entered(ENTERED)
    watched.clock.set(NOW + 3)
    watched.watch.entered(ENTERED)
    watched.look({}, after_s=9.0)

    assert [0.0, 8.0] == [at for _, _, at in watched.told()]


def test_open_seconds_grow_while_it_is_open(watched):
    watched.watch.entered({**ENTERED, "cooldown_time": 60})
    seen = []
    for after_s in (1.0, 2.0, 2.0, 1.0, 4.0):  # the clock may step back
        watched.look(RESTING, after_s=after_s)
        seen.append(watched.open_s())

    assert [1.0, 2.0, 2.0, 2.0, 4.0] == seen


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"deployment_id": None},
        {"deployment_id": "dep-gone", "cooldown_time": 5.0},
        {"deployment_id": "dep-chat"},
        {"deployment_id": "dep-chat", "cooldown_time": float("nan")},
    ],
)
def test_what_is_no_entry(watched, event):
    watched.watch.entered(event)

    assert [] == watched.told()


def test_a_cache_that_tells_little(watched):
    """Without a time it cannot be open."""
    watched.look({"dep-chat": {}})

    assert [] == watched.told()


async def test_the_callback_hands_both_on(house, monkeypatch):
    """Outside a proxy there is no router, and so nothing rests."""
    await house.callback.look()
    house.callback.circuit_entered(ENTERED)
    house.callback.circuit_entered(None)

    assert ["circuit"] == house.errors
