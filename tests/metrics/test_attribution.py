"""Who used what, and what of it the operator lets onto the page."""

import pytest

from litellm_obs_plugin.metrics.attribution import is_allowed
from litellm_obs_plugin.metrics.catalog import BY_NAME
from litellm_obs_plugin.metrics.snapshot import Snapshot
from litellm_obs_plugin.metrics.view import complete, for_page

TAGS = BY_NAME["requests_by_tag_total"]


@pytest.mark.parametrize(
    ("allowed", "tag", "shown"),
    [
        ((), "env:prod", False),
        (("tag",), "anything", True),
        (("tag:env",), "env:prod", True),
        (("tag:env",), "env=prod", True),
        (("tag:env",), "env", True),
        (("tag:env",), "environment", False),
        (("team", "key"), "env:prod", False),
    ],
)
def test_allowed_tags(allowed, tag, shown):
    assert shown == is_allowed(TAGS, (tag, "success"), allowed)


def test_what_is_not_about_callers_is_always_shown():
    assert is_allowed(BY_NAME["requests_total"], ("chat", "chat", "false", "success"), ())


def snapshot(**series) -> Snapshot:
    return Snapshot(started_at=0.0, taken_at=1.0, workers=2, series=series)


def test_the_page_has_only_what_is_allowed():
    full = snapshot(
        requests_by_team_total={("red", "success"): 2.0},
        requests_by_tag_total={("env:prod", "success"): 1.0, ("x", "success"): 1.0},
        worker_ratelimit_ratio={("d", "openai", "requests", "1"): 0.5},
    )
    page = for_page(full, allowed=("tag:env",))

    assert {} == page.series["requests_by_team_total"]
    assert {("env:prod", "success"): 1.0} == page.series["requests_by_tag_total"]
    assert {} == page.series["worker_ratelimit_ratio"]
    assert 2.0 == full.total("requests_by_team_total")


def test_of_several_workers_the_latest_rate_limit_counts():
    at = ("dep", "openai", "requests")
    found = complete(
        snapshot(
            worker_ratelimit_ratio={(*at, "1"): 0.9, (*at, "2"): 0.0},
            worker_ratelimit_seen={(*at, "1"): 100.0, (*at, "2"): 200.0},
        ),
        versions=("1", "2"),
    )

    assert {at: 0.0} == found.series["ratelimit_remaining_ratio"]
    assert {at: 200.0} == found.series["ratelimit_seen_timestamp_seconds"]


def test_a_circuit_is_open_when_any_worker_has_it_open():
    labels = ("dep", "chat", "openai")
    raw = snapshot(circuit_state={(*labels, "open"): 1.0, (*labels, "closed"): 1.0})
    found = complete(raw, versions=("1", "2"))

    assert {(*labels, "open"): 1.0, (*labels, "closed"): 0.0} == found.series["circuit_state"]
    assert {labels: 1.0} == found.series["circuit_open_workers"]
