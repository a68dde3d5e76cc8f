"""Langfuse away under a steady load: nobody waits, memory is bounded, all is counted, it ends."""

from __future__ import annotations

import os
import statistics
import threading
import time
import tracemalloc

from litellm_obs_plugin.record import Project, TraceDetails
from tests.langfuse.requests import request
from tests.peers.langfuse_peer import LangfusePeer

OUTAGE_S = float(os.environ.get("LANGFUSE_OUTAGE_S", "2"))
RATE = 200  # requests per second
SIZE = 5  # observations of a request
MAX_BYTES = 2**20  # of what waits: about 170 of these


def load(tracer, seconds: float, *, first: int) -> list[float]:
    """Records at the rate; how long each took."""
    pause, began, taken = threading.Event(), time.monotonic(), []
    for n in range(int(seconds * RATE)):
        pause.wait(max(began + n / RATE - time.monotonic(), 0))
        one = request(first + n, details=TraceDetails(user=f"u{n}"))
        start = time.perf_counter()
        tracer.record(one)
        taken.append(time.perf_counter() - start)
    return taken


def test_an_outage_under_load(free_port, meter, start_tracer, wait_for):
    port = free_port()
    project = Project(public_key="pk-test", secret_key="sk-test", host=f"http://127.0.0.1:{port}")
    peer = LangfusePeer(port=port).__enter__()
    tracer = start_tracer(project=project, max_bytes=MAX_BYTES, interval_s=0.1, timeout_s=10.0)
    before = load(tracer, 1, first=0)
    first = len(before)
    wait_for(lambda: sum(meter.results().values()) == first * SIZE, timeout_s=20)
    sent = meter.results()["sent"] / SIZE
    peer.__exit__()

    tracemalloc.start()
    try:
        held = tracemalloc.get_traced_memory()[0]
        away = load(tracer, OUTAGE_S, first=first)
        held = tracemalloc.get_traced_memory()[0] - held
    finally:
        tracemalloc.stop()
    dropped = meter.results()["queue_full"] / SIZE - (first - sent)  # a busy machine may be late
    kept = tracer.status().waiting
    again = LangfusePeer(port=port)
    returned = time.monotonic()
    with again:
        wait_for(lambda: tracer.status().waiting == 0, timeout_s=10)
        assert time.monotonic() - returned < 10
        wait_for(lambda: sum(meter.results().values()) == (first + len(away)) * SIZE)

        assert kept + dropped == len(away)
        assert len(again.trace_ids()) == kept
    assert held < 2 * MAX_BYTES  # with the test's own list of times
    assert meter.results()["sent"] == (sent + kept) * SIZE
    assert statistics.median(away) < 100e-6 + 2 * statistics.median(before)
