from __future__ import annotations

import pytest

from litellm_obs_plugin.gateway_api.reconciliation import Book, days_of, reconcile
from litellm_obs_plugin.metrics.snapshot import Snapshot

NOW = 1_795_696_500.0  # 2026-11-26 12:35 UTC
TODAY, YESTERDAY = "2026-11-26", "2026-11-25"
SNAPSHOT = Snapshot(
    started_at=NOW - 90_000,
    taken_at=NOW,
    workers=1,
    series={
        "cost_by_day_usd_total": {
            (TODAY, "gpt-4o"): 2.0,
            (YESTERDAY, "gpt-4o"): 1.0,
            ("2026-11-01", "gpt-4o"): 50.0,
        }
    },
)
NOTHING = Book(problem="no database")


def test_days():
    assert days_of(86_400, now=NOW) == [YESTERDAY, TODAY]
    assert days_of(3600, now=NOW) == [TODAY]


def test_books_that_agree():
    langfuse = Book(costs={(TODAY, "gpt-4o"): 2.0, (YESTERDAY, "gpt-4o"): 1.0})

    found = reconcile(SNAPSHOT, [YESTERDAY, TODAY], spend_log=NOTHING, langfuse=langfuse)

    assert [(row.day.isoformat(), row.gateway_usd) for row in found.rows] == [
        (TODAY, 2.0),
        (YESTERDAY, 1.0),
    ]
    assert found.total.gateway_usd == found.total.langfuse_usd == 3.0
    assert found.total.langfuse_delta_ratio == 0.0
    assert found.total.spend_log_usd is found.total.spend_log_delta_ratio is None
    assert found.sources.spend_log.message == "no database"


def test_what_only_another_book_has():
    langfuse = Book(costs={(TODAY, "gpt-4o"): 2.0, (TODAY, "phantom"): 0.5})
    spend_log = Book(costs={(TODAY, "gpt-4o"): 1.5})

    found = reconcile(SNAPSHOT, [TODAY], spend_log=spend_log, langfuse=langfuse)

    real, phantom = found.rows
    assert (real.langfuse_delta_usd, real.spend_log_delta_usd) == (0.0, -0.5)
    assert (phantom.model, phantom.gateway_usd, phantom.langfuse_delta_usd) == ("phantom", 0.0, 0.5)
    assert found.total.langfuse_delta_ratio == pytest.approx(0.25)
    assert found.total.spend_log_delta_ratio == pytest.approx(-0.25)


def test_without_any_cost_there_is_no_ratio():
    found = reconcile(SNAPSHOT, ["2026-11-20"], spend_log=NOTHING, langfuse=Book())

    assert (found.rows, found.total.langfuse_usd, found.total.langfuse_delta_ratio) == ([], 0, None)
