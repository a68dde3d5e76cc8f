"""LiteLLM's own budgets: what workers saw of them, read back."""

from __future__ import annotations

import pytest

from litellm_obs_plugin.host.key_budgets import KeyBudgetMeter
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.record import Caller, HostBudget, Operation, Outcome, Owner, Request
from litellm_obs_plugin.slo.key_budget import SEEN, read_key_budgets


class Worker:
    """One meter, its clock, and what it has set, in a table that all workers share."""

    def __init__(self, name: str, table: dict) -> None:
        self.now = 0.0
        self.table = table
        self.meter = KeyBudgetMeter(meter=self, clock=lambda: self.now, worker=name)

    def set(self, name: str, *labels: str, value: float) -> None:
        assert name == SEEN
        self.table[tuple(str(label) for label in labels)] = value

    def count(self, name: str, *labels: str, value: float = 1.0) -> None:
        raise AssertionError(name)

    def saw(self, *, at: float, spent_usd: float, resets_at: float | None = None) -> None:
        self.now = at
        budget = HostBudget(
            owner=Owner.KEY, name="ci", limit_usd=10, spent_usd=spent_usd, resets_at=resets_at
        )
        request = Request(
            call_id="1",
            received_at=at,
            duration_s=1.0,
            operation=Operation.CHAT,
            stream=False,
            model_group="chat",
            outcome=Outcome.SUCCESS,
            caller=Caller(key_alias="ci", budgets=(budget,)),
        )
        self.meter.record(request)


def read(table: dict):
    snapshot = Snapshot(started_at=0.0, taken_at=1e6, series={SEEN: table})
    (state,) = read_key_budgets(snapshot)
    return state


def test_the_latest_sight_of_all_workers_counts():
    table: dict = {}
    one, two = Worker("1", table), Worker("2", table)
    one.saw(at=100, spent_usd=1)
    two.saw(at=200, spent_usd=3)
    one.saw(at=150, spent_usd=2)

    assert (3.0, 200.0, None) == (read(table).spent_usd, read(table).seen_at, read(table).resets_at)


def test_rate_and_end():
    table: dict = {}
    worker = Worker("1", table)
    worker.saw(at=1_000, spent_usd=2)
    assert (None, None) == (read(table).usd_per_hour, read(table).exhausts_at)

    worker.saw(at=4_600, spent_usd=4)
    assert read(table).usd_per_hour == pytest.approx(2)
    assert read(table).exhausts_at == pytest.approx(4_600 + 3 * 3_600)

    worker.saw(at=4_600, spent_usd=4, resets_at=10_000)
    assert read(table).exhausts_at is None, "it is reset before"


def test_a_reset_begins_anew():
    table: dict = {}
    worker = Worker("1", table)
    worker.saw(at=0, spent_usd=9)
    worker.saw(at=3_600, spent_usd=0)
    worker.saw(at=7_200, spent_usd=1)

    assert read(table).usd_per_hour == pytest.approx(1)


def test_a_budget_that_is_used_up():
    table: dict = {}
    Worker("1", table).saw(at=50, spent_usd=12)

    assert read(table).exhausts_at == 50
