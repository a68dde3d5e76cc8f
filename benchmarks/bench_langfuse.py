"""Traces: what a request pays, and what the sending thread does.

Budget, two shared cores, a trace of three attempts and a failover: on the request path 5 µs, all of
building and queueing 60 µs (medians). An observation on the wire, compressed: 1.5 kB. Wall times
are printed, bytes are asserted.
"""

import gzip

import pytest

from litellm_obs_plugin.langfuse.encode import encode
from litellm_obs_plugin.langfuse.parcel import wrap
from litellm_obs_plugin.langfuse.room import Room
from litellm_obs_plugin.langfuse.tree import Stamp, build_tree
from tests.langfuse.requests import request

STAMP = Stamp(environment="prod", release="r1")
WIRE_BYTES = 1500


class _Queue:
    """What the sink does on the request path."""

    def __init__(self) -> None:
        self._room = Room(max_items=10**9, max_bytes=10**15)
        self.waiting = []

    def add(self, one) -> None:
        parcel = wrap(one)
        if self._room.take(parcel.size):
            self.waiting.append(parcel)


@pytest.mark.benchmark(group="budget 5 µs")
def test_queue_a_trace(benchmark):
    queue, one = _Queue(), request()

    benchmark(queue.add, one)

    assert queue.waiting


@pytest.mark.benchmark(group="budget 60 µs")
def test_build_and_queue_three_attempts(benchmark):
    queue, one = _Queue(), request()

    def work():
        build_tree(one, stamp=STAMP)
        queue.add(one)

    benchmark(work)

    assert queue.waiting


@pytest.mark.parametrize("traces", [1, 128])
def test_encode_and_compress(benchmark, traces):
    trees = [build_tree(request(n), stamp=STAMP) for n in range(traces)]

    body = benchmark(lambda: gzip.compress(encode(trees, version="1"), 1))

    assert len(body) < WIRE_BYTES * 5 * traces
