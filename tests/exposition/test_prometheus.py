"""A real Prometheus reads our pages."""

import bisect
import math
import random
import subprocess
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from litellm_obs_plugin.exposition import page as exposition
from litellm_obs_plugin.exposition import text
from litellm_obs_plugin.exposition.bucket import buckets_of
from litellm_obs_plugin.exposition.negotiation import choose
from litellm_obs_plugin.exposition.number import format_number
from litellm_obs_plugin.metrics.exemplar import Exemplar
from litellm_obs_plugin.metrics.sketch import SECONDS, Sketch
from litellm_obs_plugin.metrics.snapshot import Snapshot
from tests.prometheus import running_prometheus

pytestmark = pytest.mark.peers

DURATION = "llm_gateway_request_duration_seconds"
LABELS = ("gpt-4o", "true", "success")


def lognormal(*, median, sigma, seed):
    source = random.Random(seed)
    return [source.lognormvariate(math.log(median), sigma) for _ in range(10_000)]


INSTANCES = (
    lognormal(median=1.8, sigma=0.7, seed=1),
    lognormal(median=3.0, sigma=0.8, seed=2),
)
VALUES = sorted(value for values in INSTANCES for value in values)


def snapshot_of(values, *, now):
    exemplars = tuple(
        Exemplar(value=value, trace_id=f"{i:032x}", request_id=f"r-{i}", recorded_at=now - 60 + i)
        for i, value in enumerate((0.5, 3.0, 9.0))
    )
    return Snapshot(
        started_at=now - 60,
        taken_at=now,
        series={
            "requests_total": {("gpt-4o", "chat", "true", "success"): float(len(values))},
            "request_duration_seconds": {LABELS: Sketch.of(SECONDS, values)},
            "plugin_active_series": {(): 7.0},
        },
        exemplars={"request_duration_seconds": {LABELS: exemplars}},
    )


def host_registry():
    registry = CollectorRegistry()
    Counter("litellm_requests", "Requests.", registry=registry).inc(5)
    Histogram("litellm_latency", "Seconds.", registry=registry, buckets=(1, 2)).observe(1.5)
    return registry


@pytest.fixture(scope="module")
def targets():
    """Two instances, each with its own page."""
    registry, now, servers = host_registry(), time.time(), []
    for values in INSTANCES:

        class Handler(BaseHTTPRequestHandler):
            snapshot = snapshot_of(values, now=now)

            def do_GET(self):
                format = choose(self.headers.get("accept", ""))
                body = exposition.render(self.snapshot, format, others=registry.collect())
                self.send_response(200)
                self.send_header("content-type", format)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args): ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
    yield [f"127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def start_prometheus(tmp_path_factory, targets, free_port, wait_for):
    with ExitStack() as running:

        def start(*, features):
            prometheus = running.enter_context(
                running_prometheus(
                    targets=targets,
                    features=features,
                    home=tmp_path_factory.mktemp("prometheus"),
                    port=free_port(),
                    wait_for=wait_for,
                )
            )
            wait_for(lambda: prometheus.scraped(len(VALUES)), timeout_s=30)
            return prometheus

        yield start


@pytest.fixture(scope="module")
def native(start_prometheus):
    """Reads protobuf."""
    return start_prometheus(features="native-histograms,exemplar-storage")


@pytest.fixture(scope="module")
def classic(start_prometheus):
    """Reads OpenMetrics from the same addresses."""
    return start_prometheus(features="exemplar-storage")


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_quantiles_over_two_instances_are_within_half_a_percent(native, q):
    exact = VALUES[math.ceil(q * len(VALUES)) - 1]

    assert native.value(f"histogram_quantile({q}, sum({DURATION}))") == pytest.approx(
        exact, rel=0.005
    )


def test_native_histograms_arrive_whole(native):
    assert len(VALUES) == native.value(f"histogram_count(sum({DURATION}))")
    assert native.value(f"histogram_sum(sum({DURATION}))") == pytest.approx(math.fsum(VALUES))


def test_native_histograms_carry_exemplars(native):
    """Prometheus 2.42 takes the first of a native histogram, later versions take all."""
    found = {exemplar["labels"]["request_id"] for exemplar in native.exemplars(DURATION)}

    assert "r-0" in found
    assert found <= {"r-0", "r-1", "r-2"}


@pytest.mark.parametrize("bound", buckets_of(SECONDS).bounds)
def test_classic_buckets_are_exact(classic, bound):
    """Without the feature flag the same addresses give classic histograms."""
    found = classic.value(f'sum({DURATION}_bucket{{le="{format_number(bound)}"}})')

    assert bisect.bisect_right(VALUES, bound) == found


def test_classic_quantiles_lie_in_the_right_bucket(classic):
    found = classic.value(f"histogram_quantile(0.5, sum by (le) ({DURATION}_bucket))")
    exact = VALUES[len(VALUES) // 2]

    assert math.floor(math.log2(exact)) == math.floor(math.log2(found))


def test_classic_buckets_carry_exemplars(classic):
    found = {e["labels"]["trace_id"]: e["value"] for e in classic.exemplars(f"{DURATION}_bucket")}

    assert {f"{0:032x}": "0.5", f"{1:032x}": "3", f"{2:032x}": "9"} == found


@pytest.mark.parametrize("format", ["native", "classic"])
def test_counters_gauges_and_the_hosts_families_arrive(request, format):
    prometheus = request.getfixturevalue(format)

    assert len(VALUES) == prometheus.value("sum(llm_gateway_requests_total)")
    assert 14 == prometheus.value("sum(llm_gateway_plugin_active_series)")
    assert 10 == prometheus.value("sum(litellm_requests_total)")
    assert 2 == prometheus.value('sum(litellm_latency_bucket{le="2.0"})')


def test_promtool_finds_nothing_to_complain_about(page):
    check = subprocess.run(
        ["promtool", "check", "metrics"], input=text.render(page), capture_output=True, check=False
    )

    assert (0, b"", b"") == (check.returncode, check.stdout, check.stderr)
