"""The report in every state of a gateway: what it says, and that it keeps its promised form."""

from __future__ import annotations

import asyncio
import json

import pytest

from litellm_obs_plugin.health.component import ComponentState, StateFacts
from litellm_obs_plugin.health.finding import Finding
from litellm_obs_plugin.health.page import join, list_endpoints
from litellm_obs_plugin.health.report import HostHealthResponse
from litellm_obs_plugin.health.signals import Background
from litellm_obs_plugin.health.status import Status
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from tests.health.house import House, probed, target
from tests.health.schema import check

HEALTHY, DEGRADED, UNHEALTHY = Status
GOOD = ("chat", "openai", "m", "success", "")
BAD = ("chat", "openai", "m", "error", "server_error")


def two_groups(house):
    house.host.listed = [target("a"), target("b", group="backup", provider="mistral")]


async def test_a_gateway_at_rest(house):
    found = await house.see()

    assert HEALTHY is found.status
    report = check((await house.monitor.latest()).detailed)
    assert ["openai"] == list(report["components"]["providers"])
    assert {"uptime": 10.0, "requestCount": 0, "averageLatency": 0.0} == report["metrics"]
    assert "9.9.9" == report["version"]


async def test_a_provider_down(house):
    two_groups(house)
    house.probes = {"dep-a": probed(Finding.CONNECTION), "dep-b": probed()}

    found = await house.see()

    assert DEGRADED is found.status
    assert UNHEALTHY is found.providers["openai"].verdict.status
    assert HEALTHY is found.providers["mistral"].verdict.status


async def test_no_group_can_be_served(house):
    two_groups(house)
    house.probes = {name: probed(Finding.TIMEOUT) for name in ("dep-a", "dep-b")}

    assert UNHEALTHY is (await house.see()).status


async def test_one_of_two_deployments_down(house):
    house.host.listed = [target("a"), target("b")]
    house.probes = {"dep-a": probed(Finding.TLS), "dep-b": probed()}

    found = await house.see()

    assert (DEGRADED, DEGRADED) == (found.status, found.providers["openai"].verdict.status)
    assert "dep-a: it fails" == found.providers["openai"].verdict.reason


async def test_an_old_probe_says_nothing(house):
    """Its prober has gone; the next one follows soon."""
    house.probes = {"dep-a": probed(Finding.TIMEOUT)}

    found = await house.see(after_s=200.0)

    assert HEALTHY is found.providers["openai"].verdict.status


async def test_failing_calls_and_their_end(house):
    await house.see((*GOOD, 100))
    await house.see((*GOOD, 100), (*BAD, 5))
    assert UNHEALTHY is (await house.see((*GOOD, 100), (*BAD, 9))).status

    for n in range(1, 4):
        found = await house.see((*GOOD, 100 + 10 * n), (*BAD, 9))
    assert HEALTHY is found.status


async def test_the_callers_mistakes_do_not_matter(house):
    await house.see()
    kinds = ("bad_request", "not_found", "context_length", "content_policy")

    found = await house.see(*((*BAD[:4], kind, 1000) for kind in kinds))

    assert HEALTHY is found.status


async def test_thin_traffic_tells_in_sum(house):
    """Three failures at each of two models of a provider are six at the provider."""
    house.host.listed = [target("a", model="m"), target("b", model="n")]
    await house.see()

    rows = [("chat", "openai", model, "error", "timeout", 3) for model in ("m", "n")]
    found = await house.see(*rows)

    assert UNHEALTHY is found.providers["openai"].verdict.status
    assert DEGRADED is found.status  # each group may still be served


async def test_a_provider_that_is_called_but_not_configured(house):
    await house.see()

    found = await house.see(
        ("other", "groq", "x", "success", "", 7), (*BAD[:1], "unknown", *BAD[2:], 9)
    )

    assert {"openai", "groq"} == set(found.providers)


async def test_a_wildcard_deployment(house):
    """Its attempts carry the models that callers chose."""
    house.host.listed = [target("wild", group="openai/*", model="other")]
    await house.see()

    found = await house.see(("openai/*", "openai", "gpt-4o", "error", "timeout", 9))

    (one,) = found.deployments()
    assert 9 == one.signals.traffic.window.failed


async def test_circuits(house):
    house.host.listed = [target("a"), target("b")]
    labels = [(f"dep-{name}", "chat", "openai") for name in "ab"]

    found = await house.see(
        workers=2, circuit_open_workers=dict(zip(labels, (2.0, 0.0), strict=True))
    )

    assert DEGRADED is found.components["circuits"].status
    assert "1 of 2 deployments rest: dep-a" == found.components["circuits"].message
    assert [UNHEALTHY, HEALTHY] == [one.verdict.status for one in found.deployments()]


async def test_background_checks(house):
    house.host.be(background={"dep-a": Background(healthy=False, detail="AuthenticationError")})

    found = await house.see()

    assert DEGRADED is found.providers["openai"].verdict.status
    report = check((await house.monitor.latest()).detailed)
    (one,) = report["components"]["providers"]["openai"]["deployments"]
    assert "degraded" == one["signals"]["background"]["status"]


@pytest.mark.parametrize(
    ("changed", "status", "ready", "words"),
    [
        ({}, HEALTHY, True, "LiteLLM 1.106.2"),
        ({"has_router": False}, UNHEALTHY, False, "no model is configured"),
        ({"shutting_down": True}, UNHEALTHY, False, "shutting down"),
        ({"database": "connected"}, HEALTHY, True, "database: connected"),
        ({"database": "disconnected"}, UNHEALTHY, False, "database disconnected"),
        (
            {"database": "disconnected", "needs_database": False},
            DEGRADED,
            True,
            "database disconnected",
        ),
        ({"redis": "disconnected"}, DEGRADED, True, "Redis disconnected"),
        ({"missing_names": ("litellm.x",)}, DEGRADED, True, "this LiteLLM has no litellm.x"),
    ],
)
async def test_the_host(house, changed, status, ready, words):
    house.host.be(**changed)

    found = await house.see()

    assert (status, ready) == (found.components["host"].status, found.can_serve)
    assert words in found.components["host"].message
    assert found.status is not HEALTHY or status is HEALTHY


async def test_a_loop_that_is_late(house):
    await house.see()
    lag = {(): Sketch.of(SECONDS, [0.9] * 50)}

    found = await house.see(event_loop_lag_seconds=lag)

    assert DEGRADED is found.components["host"].status
    assert "ms late (p99)" in found.components["host"].message


async def test_an_outage_does_not_take_the_pod_out(house):
    house.probes = {"dep-a": probed(Finding.CONNECTION)}

    found = await house.see()

    assert (UNHEALTHY, True) == (found.status, found.can_serve)


async def test_metrics_that_cannot_be_written(house):
    house.facts = StateFacts(problem="the disk is full")

    assert UNHEALTHY is (await house.see()).components["metrics"].status


async def test_what_was_lost(house):
    await house.see()
    found = await house.see(
        plugin_events_dropped_total={("state_full",): 3.0},
        plugin_errors_total={("scrape",): 2.0},
        series_overflow_total={("tokens_total",): 7.0},
    )

    assert DEGRADED is found.components["metrics"].status
    for words in ("3 events were not recorded", "2 failures inside", "7 samples went to `other`"):
        assert words in found.components["metrics"].message


async def test_when_it_was_scraped(house):
    assert "never scraped" == (await house.see()).components["metrics"].message

    house.facts = StateFacts(scraped_at=house.now)
    assert "scraped 10 s ago" == (await house.see()).components["metrics"].message


async def test_a_state_that_cannot_be_read(house):
    """The report is still there, and says so."""
    house.reader.error = OSError("no such directory")

    page = await house.monitor.refresh()

    assert UNHEALTHY is page.found.components["metrics"].status
    assert (
        "cannot be read: no such directory"
        in check(page.detailed)["components"]["metrics"]["message"]
    )


async def test_a_part_that_knows_its_own_state():
    class Sick:
        def check(self, now):
            return ComponentState(status=DEGRADED, message="late", latency_s=0.5, checked_at=now)

    house = House()
    house.monitor._inputs.sources["langfuse"] = Sick()

    assert DEGRADED is (await house.see()).status
    part = check((await house.monitor.latest()).detailed)["components"]["langfuse"]
    assert ("degraded", 500.0, "late") == (part["status"], part["latency"], part["message"])


async def test_a_report_that_is_older_than_it_should_be(house):
    await house.see()
    page = await house.monitor.latest()
    assert house.monitor.overdue_s(page) is None

    house.now += 60.0
    aged = page.aged(house.monitor.overdue_s(page))

    report = check(aged.detailed)
    assert "degraded" == report["status"] == report["components"]["host"]["status"]
    assert "this report is 60 s old" in report["components"]["host"]["message"]


async def test_the_very_first_caller_waits_for_a_report(house):
    first, second = await asyncio.gather(house.monitor.latest(), house.monitor.latest())

    assert check(first.detailed)["status"] == check(second.detailed)["status"] == "healthy"


async def test_who_may_not_see_everything_sees_the_statuses_alone(house):
    house.host.listed = [target("a", base="https://inner.example/v1")]
    house.probes = {"dep-a": probed(Finding.TLS, detail="TLS fails: a secret reason")}
    await house.see()
    page = await house.monitor.latest()

    plain = check(page.plain)

    assert b"inner.example" in page.detailed
    for hidden in (b"inner.example", b"secret reason", b"dep-a", b"message", b"signals"):
        assert hidden not in page.plain
    assert {"status": "unhealthy"} == plain["components"]["providers"]["openai"]


async def test_the_keys_of_the_hosts_own_health(house):
    two_groups(house)
    house.probes = {"dep-a": probed(Finding.DNS), "dep-b": probed()}
    found = await house.see()

    listing = list_endpoints(found, visible=None, detailed=True)
    report = json.loads(join((await house.monitor.latest()).detailed, listing))

    assert (1, 1) == (report["healthy_count"], report["unhealthy_count"])
    (ill,) = report["unhealthy_endpoints"]
    assert {
        "model": "openai/m",
        "model_id": "dep-a",
        "api_base": "https://api.example/v1",
        "error": "it fails",
    } == ill
    check(report)
    HostHealthResponse.model_validate(report)


async def test_the_listing_of_who_may_see_less(house):
    two_groups(house)
    house.probes = {"dep-a": probed(Finding.DNS)}
    found = await house.see()

    listing = list_endpoints(found, visible={"dep-a"}, detailed=False)

    assert (0, 1) == (listing.healthy_count, listing.unhealthy_count)
    assert {"model": "openai/m", "model_id": "dep-a"} == listing.unhealthy_endpoints[0].model_dump(
        exclude_none=True
    )


async def test_the_metrics_say_the_same(house):
    two_groups(house)
    house.probes = {"dep-a": probed(Finding.DNS, total_s=0.5), "dep-b": probed(total_s=0.25)}
    await house.see()

    gauges = house.monitor.gauges()

    assert {("openai",): 0.0, ("mistral",): 1.0} == gauges["provider_up"]
    assert {("openai",): 0.5, ("mistral",): 0.25} == gauges["provider_probe_duration_seconds"]
    assert 1.0 == gauges["component_up"]["gateway",]
    assert {"langfuse", "history", "metrics", "circuits", "host", "gateway"} == {
        name for (name,) in gauges["component_up"]
    }


def test_before_the_first_look_there_are_no_metrics(house):
    assert {} == house.monitor.gauges()
