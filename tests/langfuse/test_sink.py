"""The way to Langfuse, against a server with faults: what is kept, what is dropped, how soon."""

from __future__ import annotations

import logging
import os
import threading
import tracemalloc

import pytest

from litellm_obs_plugin.langfuse.tracer import Tracer
from litellm_obs_plugin.record import Project, TraceDetails
from tests.langfuse.requests import TRACE_ID, request
from tests.peers.langfuse_peer import LangfusePeer

SIZE = 5  # observations of a request
LOGGER = "litellm_obs_plugin.langfuse"


def send(tracer: Tracer, count: int, *, first: int = 0, **changed) -> None:
    for number in range(first, first + count):
        tracer.record(request(number, **changed))


def traces(peer: LangfusePeer) -> int:
    return len(peer.trace_ids())


def test_what_is_recorded_arrives(peer, meter, start_tracer, wait_for):
    send(start_tracer(), 300)

    wait_for(lambda: traces(peer) == 300)
    wait_for(lambda: meter.results() == {"sent": 300 * SIZE})
    wait_for(lambda: meter.values[("langfuse_queue_items",)] == 0)
    assert meter.values[("langfuse_queue_bytes",)] == 0
    assert peer.statuses == {200: peer.statuses[200]}
    assert peer.statuses[200] < 10  # batches


def test_the_trace_can_be_opened(peer, start_tracer, wait_for):
    tracer = start_tracer()

    url = wait_for(lambda: tracer.url_of(request()))

    assert url == f"{peer.url}/project/project-pk-test/traces/{TRACE_ID}"
    assert peer.project_reads == 1


def test_sampled_out(peer, meter, start_tracer):
    tracer = start_tracer(sample_rate=0.0)
    send(tracer, 10)
    tracer.close()

    assert (meter.results(), peer.trace_ids()) == ({}, set())
    assert tracer.url_of(request()) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refused_for_good(peer, meter, start_tracer, wait_for, caplog, status):
    """Dropped, counted, and one line in the log however many batches."""
    peer.fault = status
    tracer = start_tracer()

    with caplog.at_level(logging.INFO, LOGGER):
        for n in range(3):
            send(tracer, 1, first=n)
            wait_for(lambda n=n: meter.results() == {"rejected": (n + 1) * SIZE})
        assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
        peer.recover()
        send(tracer, 1, first=3)
        wait_for(lambda: traces(peer) == 1)

    assert meter.values[("langfuse_queue_items",)] == 0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_refused_for_now(peer, meter, start_tracer, wait_for, status):
    """Kept, tried again, and stored once."""
    peer.fault = status
    send(start_tracer(), 20)
    wait_for(lambda: peer.statuses[status] >= 2)

    peer.recover()

    wait_for(lambda: traces(peer) == 20)
    wait_for(lambda: meter.results() == {"sent": 20 * SIZE})


def test_the_time_that_the_server_asks_for(peer, start_tracer, wait_for, now):
    peer.fault, peer.fault_headers = 429, {"retry-after": "1"}
    tracer = start_tracer()
    began = now()
    send(tracer, 1)
    wait_for(lambda: peer.statuses[429] == 1)
    peer.recover()

    wait_for(lambda: traces(peer) == 1)

    assert 0.9 <= now() - began <= 3


def test_an_open_circuit_probes_with_one_trace(peer, start_tracer, wait_for):
    peer.fault = 500
    send(start_tracer(), 200)
    wait_for(lambda: peer.statuses[500] >= 4)

    assert peer.bodies[0] > 5 * peer.bodies[-1]


def test_a_batch_that_a_living_server_never_takes(peer, meter, start_tracer, wait_for, monkeypatch):
    """It must not stand in the way of all others for ever."""
    monkeypatch.setattr("litellm_obs_plugin.langfuse.circuit.LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr("litellm_obs_plugin.langfuse.circuit.FIRST_WAIT_S", 0.01)
    peer.fault = 500
    send(start_tracer(), 1)

    wait_for(lambda: meter.results() == {"gave_up": SIZE})


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_away_for_long(peer, meter, start_tracer, wait_for, monkeypatch, status):
    """No number of tries costs a trace: it is not the batch's fault."""
    monkeypatch.setattr("litellm_obs_plugin.langfuse.circuit.LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr("litellm_obs_plugin.langfuse.circuit.FIRST_WAIT_S", 0.01)
    peer.fault = status
    send(start_tracer(), 3)
    wait_for(lambda: peer.statuses[status] >= 25)

    peer.recover()

    wait_for(lambda: meter.results() == {"sent": 3 * SIZE})
    assert traces(peer) == 3


def test_a_body_that_is_too_large_is_split(peer, meter, start_tracer, wait_for):
    peer.max_body = 100_000
    send(start_tracer(), 100)

    wait_for(lambda: meter.results() == {"sent": 100 * SIZE})

    assert traces(peer) == 100
    assert peer.statuses[413] <= 8  # the size that fits is remembered


def test_one_trace_that_is_too_large_goes_without_its_texts(peer, meter, start_tracer, wait_for):
    peer.max_body = 50_000
    tracer = start_tracer()
    tracer.record(request(1, details=TraceDetails(input=f'"{"x" * 100_000}"', user="eve")))
    tracer.record(request(2))

    wait_for(lambda: meter.results() == {"sent": 2 * SIZE})

    assert traces(peer) == 2
    assert {r.input for r in peer.records} == {None}


def test_one_trace_that_is_too_large_for_good(peer, meter, start_tracer, wait_for):
    peer.max_body = 10
    send(start_tracer(), 3)

    wait_for(lambda: meter.results() == {"too_large": 3 * SIZE})


def test_the_newest_are_dropped_when_nothing_fits(peer, meter, start_tracer, wait_for):
    """Whole traces; the oldest are kept, and all is counted."""
    peer.fault = 503
    tracer = start_tracer(max_items=50)
    send(tracer, 80)
    assert meter.results() == {"queue_full": 30 * SIZE}

    peer.recover()
    wait_for(lambda: traces(peer) == 50, timeout_s=15)

    assert {int(one[:8]) for one in peer.trace_ids()} == set(range(50))
    assert all(len(peer.trace(one)) == SIZE for one in peer.trace_ids())
    wait_for(lambda: meter.results() == {"queue_full": 30 * SIZE, "sent": 50 * SIZE})


def test_memory_is_bounded_by_the_setting(peer, meter, start_tracer):
    """What waits takes no more memory than it is said to."""
    peer.fault = "hang"
    tracer = start_tracer(max_bytes=2**22)
    send(tracer, 1)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(3000):
            text = "x" * (n % 2000)
            tracer.record(request(n, details=TraceDetails(input=f'"{text}"', user=f"u{n}")))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert meter.results()["queue_full"] > 0
    assert taken <= 2**22


def test_recording_waits_for_nothing(peer, start_tracer, now):
    """Whatever the server does: microseconds."""
    peer.fault = "hang"
    tracer = start_tracer()
    one, times = request(), []
    for _ in range(2000):
        began = now()
        tracer.record(one)
        times.append(now() - began)

    assert sorted(times)[len(times) // 2] < 60e-6


@pytest.mark.parametrize("fault", ["refused", "hang"])
def test_a_server_that_comes_back(start_tracer, meter, free_port, wait_for, now, fault):
    """All that fitted arrives within 10 s of its return."""
    port = free_port()
    host = f"http://127.0.0.1:{port}"
    project = Project(public_key="pk-test", secret_key="sk-test", host=host)
    away = LangfusePeer(port=port)
    if fault == "hang":
        away.fault = "hang"
        away.__enter__()
    tracer = start_tracer(project=project, timeout_s=0.3)
    send(tracer, 500)
    wait_for(lambda: tracer.status().is_open)

    if fault == "hang":
        away.recover()
    else:
        away.__enter__()
    began = now()
    wait_for(lambda: traces(away) == 500, timeout_s=10)

    assert now() - began < 10
    wait_for(lambda: tracer.status().problem == "")
    assert tracer.url_of(request()) is not None or wait_for(lambda: tracer.url_of(request()))
    away.__exit__()


def test_a_server_that_left_a_try_without_an_answer(peer, start_tracer, wait_for, now):
    """It is asked again soon after the timeout: the try itself was the pause."""
    peer.fault = "hang"
    tracer = start_tracer(timeout_s=3)
    send(tracer, 1)
    wait_for(lambda: tracer.status().problem, timeout_s=10)
    peer.fault = None  # the first try stays without an answer
    send(tracer, 100)
    began = now()
    wait_for(lambda: traces(peer) == 100, timeout_s=10)

    assert now() - began < 3


def test_closing_sends_what_waits(peer, meter, start_tracer, now):
    tracer = start_tracer(interval_s=30, shutdown_s=20)
    send(tracer, 1000)
    began = now()

    tracer.close()

    assert now() - began < 15
    assert traces(peer) == 1000
    assert meter.results() == {"sent": 1000 * SIZE}


@pytest.mark.parametrize("fault", ["hang", 500])
def test_closing_keeps_its_deadline(peer, meter, start_tracer, now, fault):
    peer.fault = fault
    tracer = start_tracer(shutdown_s=0.5, timeout_s=30, interval_s=30)
    send(tracer, 10)
    began = now()

    tracer.close()

    assert now() - began < 1.5
    assert meter.results() == {"unsent": 10 * SIZE}


def test_what_comes_after_the_end_is_counted(meter, start_tracer):
    tracer = start_tracer()
    tracer.close()

    send(tracer, 1)

    assert meter.results() == {"unsent": SIZE}


def test_a_forked_child_sends_its_own(peer, start_tracer, wait_for):
    """Not what waits in the parent: that would be stored twice, or its lock held for ever."""
    tracer = start_tracer(interval_s=0.3)
    send(tracer, 3)

    child = os.fork()
    if child == 0:
        try:
            send(tracer, 2, first=100)
            tracer.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    wait_for(lambda: traces(peer) == 5)
    assert len(peer.records) == 5 * SIZE


def test_many_threads(peer, meter, start_tracer, wait_for):
    tracer = start_tracer()
    threads = [
        threading.Thread(target=send, args=(tracer, 100), kwargs={"first": 1000 * n})
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wait_for(lambda: traces(peer) == 400)
    wait_for(lambda: meter.results() == {"sent": 400 * SIZE})


def test_one_trace_that_cannot_be_built(peer, meter, start_tracer, wait_for, caplog):
    """It alone is lost."""
    tracer = start_tracer()
    send(tracer, 10)
    tracer.record(request(10, received_at="never"))
    send(tracer, 10, first=20)

    wait_for(lambda: traces(peer) == 20)
    wait_for(lambda: meter.results() == {"sent": 20 * SIZE, "failed": SIZE})
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


def test_projects_of_keys_and_teams(peer, meter, start_tracer, wait_for):
    peer.projects |= {"pk-a": "sk-a", "pk-b": "sk-b"}
    tracer = start_tracer()
    for n, name in enumerate(("a", "b", "a")):
        project = Project(public_key=f"pk-{name}", secret_key=f"sk-{name}")
        tracer.record(request(n, details=TraceDetails(project=project)))
    send(tracer, 1, first=9)

    wait_for(lambda: traces(peer) == 4)

    found = {int(r.trace_id[:8]): r.project for r in peer.records}
    assert found == {0: "pk-a", 1: "pk-b", 2: "pk-a", 9: "pk-test"}
    one = request(0, details=TraceDetails(project=Project(public_key="pk-a", secret_key="sk-a")))
    url = wait_for(lambda: tracer.url_of(one))
    assert "/project/project-pk-a/" in url


def test_no_more_projects_than_allowed(peer, meter, start_tracer):
    """A third one takes the place of an idle one, and of a busy one never."""
    peer.fault = 503
    threads = threading.active_count()
    tracer = start_tracer()
    for n in range(3):
        project = Project(public_key=f"pk-{n}", secret_key="sk")
        tracer.record(request(n, details=TraceDetails(project=project)))

    assert meter.results() == {"too_many_projects": SIZE}
    assert threading.active_count() - threads < 8


def test_an_idle_project_makes_room(peer, meter, start_tracer, wait_for):
    peer.projects |= {f"pk-{n}": "sk" for n in range(5)}
    tracer = start_tracer()
    for n in range(5):
        project = Project(public_key=f"pk-{n}", secret_key="sk")
        tracer.record(request(n, details=TraceDetails(project=project)))
        wait_for(lambda n=n: traces(peer) == n + 1)
        wait_for(lambda n=n: meter.results() == {"sent": (n + 1) * SIZE})


def test_a_host_that_is_none(meter, start_tracer, wait_for):
    project = Project(public_key="pk", secret_key="sk", host="http://host:port")
    tracer = start_tracer(project=project)
    send(tracer, 1)

    wait_for(lambda: meter.results() == {"failed": SIZE})


def test_a_mask(peer, start_tracer, wait_for):
    def hide(*, data):
        return data.replace("secret", "***")

    details = TraceDetails(input='"secret 1"', output='"secret 2"')
    start_tracer(mask=hide).record(request(details=details))
    wait_for(lambda: traces(peer) == 1)

    assert peer.records[0].input == "*** 1"
    assert peer.records[0].output == "*** 2"


def test_a_mask_that_fails_hides_all(peer, start_tracer, wait_for):
    def fail(*, data):
        raise RuntimeError(data)

    start_tracer(mask=fail).record(request(details=TraceDetails(input='"secret"')))
    wait_for(lambda: traces(peer) == 1)

    assert "secret" not in str(peer.records)


def test_keys_that_are_refused_are_seen_without_traffic(peer, meter, start_tracer, wait_for):
    tracer = start_tracer(
        project=Project(public_key="pk-test", secret_key="sk-wrong", host=peer.url)
    )

    status = wait_for(lambda: (s := tracer.status()).denied and s)

    assert (status.problem.startswith("HTTP 401"), status.heard) == (True, True)


def test_status_of_an_outage(peer, start_tracer, wait_for):
    tracer = start_tracer(max_items=5)
    wait_for(lambda: tracer.status().answered_at)
    peer.fault = 503
    send(tracer, 8)

    status = wait_for(lambda: (s := tracer.status()).problem and s)

    assert (status.waiting, status.dropped) == (5, 3)
    assert 0 < status.oldest_s < 10
    peer.recover()
    well = wait_for(lambda: not (s := tracer.status()).problem and s, timeout_s=15)
    assert (well.waiting, well.heard, well.dropped) == (0, True, 3)
    assert well.latency_s > 0
