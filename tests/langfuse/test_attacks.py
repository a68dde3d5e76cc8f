"""What callers, providers and servers may send to do harm: it is bounded, or it is left out."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from dataclasses import replace

import pytest

from litellm_obs_plugin.langfuse.encode import encode
from litellm_obs_plugin.langfuse.parcel import wrap
from litellm_obs_plugin.langfuse.tree import Stamp, build_tree
from litellm_obs_plugin.record import Caller, Deployment, Project, TraceDetails
from tests.langfuse.requests import BACKUP, NOW, answered, failed, request
from tests.peers.langfuse_mapping import read_records

HUGE = "x" * 1_000_000


def stored(**changed):
    tree = build_tree(request(**changed), stamp=Stamp())
    return read_records(encode([tree], version="1"), project="p")


@pytest.mark.parametrize(
    "changed",
    [
        {"call_id": HUGE, "trace_id": None},
        {"caller": Caller(tags=(HUGE,) * 3)},
        {"caller": Caller(tags=tuple(map(str, range(100_000))))},
        {
            "attempts": (
                answered(
                    deployment=Deployment(
                        id="d", model_group="wild/*", model=HUGE, provider="openai"
                    )
                ),
            )
        },
        {"model_group": HUGE},
    ],
)
def test_long_names_make_no_long_traces(changed):
    tree = build_tree(request(**changed), stamp=Stamp())

    assert len(encode([tree], version="1")) < 150_000


def test_what_waits_is_weighed_with_all_that_callers_choose():
    tags = tuple("t" * 190 for _ in range(50))
    details = TraceDetails(parameters={"user": "u" * 200})

    light, heavy = wrap(request()), wrap(request(caller=Caller(tags=tags), details=details))

    assert heavy.size >= light.size + 50 * 190


def test_keys_where_they_do_not_belong():
    """Callers paste them anywhere; no text of a trace shows one."""
    key = "sk-proj-4fT9x0aB3cD5eF7gH9"
    tree = build_tree(
        request(
            model_group=key,
            attempts=(answered(deployment=replace(BACKUP, model=key)),),
            caller=Caller(tags=(f"key={key}",)),
            details=TraceDetails(
                name=f"Bearer {key}", user=key, session=key, parameters={"tool_choice": key}
            ),
        ),
        stamp=Stamp(),
    )

    assert key.encode() not in encode([tree], version="1")


def test_a_provider_that_quotes_the_prompt_when_it_may_not_be_shown():
    records = stored(
        attempts=(failed(),),
        failovers=(),
        failure=failed().failure,
        details=TraceDetails(redacted=True),
    )

    assert {r.status_message for r in records} == {"ServiceUnavailableError 503"}


@pytest.mark.parametrize("step_s", [-7200.0, 7200.0])
def test_a_clock_that_steps(step_s):
    """Within a request: nothing ends before it began, and the root holds its parts' ends."""
    records = stored(attempts=(failed(), failed(NOW + step_s), answered(NOW + step_s + 1)))

    root = next(r for r in records if r.parent_id is None)
    assert all(r.start_ms <= r.end_ms for r in records)
    assert root.end_ms == max(r.end_ms for r in records)
    assert not any(r.phantom for r in records)


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300])
def test_a_time_that_is_none(peer, meter, start_tracer, wait_for, at):
    """That request alone is lost, and counted."""
    tracer = start_tracer()
    tracer.record(request(1, received_at=at))
    tracer.record(request(2))

    wait_for(lambda: len(peer.trace_ids()) == 1)
    wait_for(lambda: meter.results() == {"sent": 5, "failed": 5})


def test_a_mask_sees_every_text(peer, start_tracer, wait_for):
    """Whatever field a secret is planted in."""

    def hide(*, data):
        return data.replace("SECRET", "***")

    failure = replace(
        failed().failure, message="SECRET", traceback="SECRET", normalized="SECRET", error_class="E"
    )
    start_tracer(mask=hide).record(
        request(
            caller=Caller(team="SECRET", key_alias="SECRET", tags=("SECRET",)),
            attempts=(
                replace(failed(), failure=failure, provider_request_id="SECRET"),
                answered(),
            ),
            failure=failure,
            details=TraceDetails(
                name="SECRET",
                user="SECRET",
                session="SECRET",
                parameters={"service_tier": "SECRET"},
                input='"SECRET"',
                output='{"a": "SECRET"}',
            ),
        )
    )
    wait_for(lambda: peer.records)

    assert "SECRET" not in json.dumps([r.attributes for r in peer.records])


@pytest.mark.parametrize("found", [None, 5, b"bytes", {"a": 1}, [[]].append])
def test_a_mask_that_answers_strangely(peer, start_tracer, wait_for, found):
    start_tracer(mask=lambda *, data: found).record(request(details=TraceDetails(user="eve")))

    wait_for(lambda: peer.records)


def test_a_mask_that_answers_a_cycle(peer, start_tracer, wait_for):
    cycle: list = []
    cycle.append(cycle)
    start_tracer(mask=lambda *, data: cycle).record(request())

    wait_for(lambda: peer.records)


GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "nothing": b"",
    "a web page": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\n<htm>",
    "a redirect": b"HTTP/1.1 302 Found\r\nlocation: http://[::1]/\r\ncontent-length: 0\r\n\r\n",
    "wrong gzip": b"HTTP/1.1 500 x\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
    "odd retry-after": b"HTTP/1.1 429 x\r\nretry-after: "
    + b"9" * 400
    + b"\r\ncontent-length: 0\r\n\r\n",
    "no UTF-8": b"HTTP/1.1 400 x\r\ncontent-length: 4\r\n\r\n\xff\xfe\x00\x01",
    "an endless body": b"HTTP/1.1 500 x\r\n\r\n" + b"y" * 300_000,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_server_that_answers_garbage(meter, start_tracer, wait_for, name):
    """The thread lives, what cannot be sent is kept or counted, and nothing is called sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def serve() -> None:
            server.settimeout(0.1)
            while not stop.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(0.2)
                        with suppress(OSError):
                            connection.recv(65536)
                            connection.sendall(GARBAGE[name])

        thread = threading.Thread(target=serve)
        thread.start()
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        project = Project(public_key="pk", secret_key="sk", host=host)
        tracer = start_tracer(project=project, shutdown_s=0.2)
        tracer.record(request())
        try:
            status = wait_for(lambda: (s := tracer.status()).problem and s)
            tracer.close()
        finally:
            stop.set()
            thread.join()

    assert len(status.problem) < 400
    assert "sent" not in meter.results()
    assert sum(meter.results().values()) == 5


def test_keys_of_a_project_are_not_shown():
    project = Project(public_key="pk", secret_key="sk-lf-secret")

    assert "sk-lf-secret" not in repr(request(details=TraceDetails(project=project)))
