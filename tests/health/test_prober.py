"""Who probes, how often, and how the others come to know."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from contextlib import suppress

import pytest

from litellm_obs_plugin.health.board import Board
from litellm_obs_plugin.health.finding import Finding, SharedProbe
from litellm_obs_plugin.health.prober import Prober
from litellm_obs_plugin.health.round import Manner
from litellm_obs_plugin.health.state_files import StateFiles
from litellm_obs_plugin.health.target import Target
from litellm_obs_plugin.metrics.election import Election
from tests.health.house import NOW, deployment, probed
from tests.health.upstream import Upstream

SECURE = "https://127.0.0.1"
ELECT = """
import sys
from pathlib import Path
from litellm_obs_plugin.metrics.election import Election
print(Election(Path(sys.argv[1])).is_won(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def make_prober(tmp_path, upstream):
    """Probers of one host; their failures are in .failures."""
    made = []

    def make(**changed):
        failures = []
        target = Target(deployment=deployment(), base_url=upstream.base, url=upstream.base + "/m")
        prober = Prober(
            **{
                "targets": lambda: [target],
                "board": Board(tmp_path),
                "election": Election(tmp_path / "probe.lock"),
                "manner": Manner(timeout_s=2.0, clock=lambda: NOW),
                "interval_s": 0.05,
                "failed": failures.append,
                **changed,
            }
        )
        prober.failures = failures
        made.append(prober)
        return prober

    yield make
    for prober in made:
        prober.close()


async def until(condition, *, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 the condition is of another process
            await asyncio.sleep(0.01)


async def run_while(prober, condition):
    """Run *prober* until *condition*; how often it was done."""
    done = []

    async def note():
        done.append(prober.rounds)

    running = asyncio.create_task(prober.run(done=note))
    try:
        await until(lambda: condition(done))
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return done


async def test_a_round_every_interval(make_prober, tmp_path, upstream):
    await run_while(make_prober(), lambda done: len(done) >= 3)

    assert len(upstream.seen) >= 3
    assert Finding.OK is Board(tmp_path).read()["dep-a"].finding


async def test_the_round_after_an_end_of_trouble_sees_it(
    make_prober, tmp_path, free_port, certificate, monkeypatch
):
    """A name that did not resolve, a port where nobody listened, a peer that spoke no TLS."""
    resolve, known = socket.getaddrinfo, []

    def look_up(host, *arguments, **named):
        return resolve("127.0.0.1" if host in known else host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    refused, context = free_port(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))
    bundle = str(certificate[0])
    with Upstream(port=0, speaks_first=True) as insecure:
        targets = [
            Target(deployment=deployment("dns"), url=f"http://nowhere.invalid:{refused}/models"),
            Target(deployment=deployment("connection"), url=f"http://127.0.0.1:{refused}/models"),
            Target(deployment=deployment("tls"), url=f"{SECURE}:{insecure.port}", verify=bundle),
        ]
        prober, board = make_prober(targets=lambda: targets), Board(tmp_path)
        await prober.probe_now()
    found = {one.removeprefix("dep-"): probe.finding for one, probe in board.read().items()}
    assert {one: one for one in ("dns", "connection", "tls")} == found

    known.append("nowhere.invalid")
    with Upstream(port=refused) as late, Upstream(port=insecure.port, context=context) as secure:
        await prober.probe_now()
    assert [Finding.OK] * 3 == [one.finding for one in board.read().values()]
    assert {"GET"} == {head.split()[0] for head in (*late.seen, *secure.seen)}


async def test_only_the_elected_one_probes(make_prober, upstream):
    first, second = make_prober(), make_prober()
    second_done = asyncio.create_task(run_while(second, lambda done: first.rounds >= 4))

    await run_while(first, lambda done: len(done) >= 4)

    assert [] == await second_done
    assert 0 == second.rounds


async def test_a_successor_follows(make_prober):
    first, second = make_prober(), make_prober()
    await run_while(first, lambda done: len(done) >= 1)
    first.close()

    assert await run_while(second, lambda done: len(done) >= 1)


async def test_until_the_router_is_built_there_is_nothing_to_probe(make_prober):
    targets = []
    prober = make_prober(targets=lambda: targets)
    looked = asyncio.create_task(run_while(prober, lambda done: len(done) >= 1))
    await asyncio.sleep(0)
    targets.append(Target(deployment=deployment(), problem="unknown"))

    assert await looked


async def test_callers_at_the_same_time_share_a_round(make_prober, upstream):
    upstream.delay_s = 0.2
    prober = make_prober()

    await asyncio.gather(*(prober.probe_now() for _ in range(20)))

    assert (1, 1) == (prober.rounds, len(upstream.seen))


async def test_a_caller_who_leaves_does_not_stop_the_round(make_prober, upstream):
    upstream.delay_s = 0.2
    prober = make_prober()
    leaver = asyncio.create_task(prober.probe_now())
    await until(lambda: prober.rounds == 1)
    stayer = asyncio.create_task(prober.probe_now())
    await asyncio.sleep(0)
    leaver.cancel()

    await stayer
    assert 1 == prober.rounds


async def test_a_round_that_fails_is_counted_and_the_next_one_runs(make_prober, tmp_path):
    board = Board(tmp_path / "later")
    prober = make_prober(board=board)
    running = asyncio.create_task(run_while(prober, lambda done: len(done) >= 1))
    await until(lambda: prober.failures)
    (tmp_path / "later").mkdir()

    assert await running
    assert {"probe"} == set(prober.failures)


def test_one_process_is_elected(tmp_path):
    lock = tmp_path / "probe.lock"
    ask = [sys.executable, "-c", ELECT, str(lock)]
    with subprocess.Popen(ask, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert "True" == other.stdout.readline().strip()
        ours = Election(lock)
        assert not ours.is_won()
        other.kill()
        other.wait()

    assert ours.is_won()
    assert ours.is_won()
    ours.close()


def test_a_directory_where_nobody_can_be_elected(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Election(tmp_path / "nowhere" / "lock").is_won()


def test_the_board(tmp_path):
    board = Board(tmp_path)
    assert {} == board.read()

    found = probed(Finding.TLS, status_code=None, authenticated=True)
    board.write([SharedProbe(deployments=("dep-a", "dep-b"), probed=found)])

    assert {"dep-a": found, "dep-b": found} == board.read()
    assert ["probes.json"] == os.listdir(tmp_path)
    assert 0o600 == (tmp_path / "probes.json").stat().st_mode & 0o777


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"deployments": ["a"]}]', '{"a": 1}'])
def test_a_board_that_is_damaged(tmp_path, text):
    (tmp_path / "probes.json").write_text(text)

    assert {} == Board(tmp_path).read()


def test_a_board_that_cannot_be_written(tmp_path):
    """The old round stays, and no rubbish."""
    board = Board(tmp_path / "nowhere")

    with pytest.raises(OSError, match="No such file"):
        board.write([])


def test_state_files(tmp_path):
    recording = [True]
    files = StateFiles(tmp_path, is_recording=lambda: recording[0])
    assert ("", None) == (files.facts().problem, files.facts().scraped_at)

    files.mark_scraped()
    assert files.facts().scraped_at is not None

    recording[0] = False
    assert "this worker does not record" == files.facts().problem


def test_state_files_that_are_gone(tmp_path):
    files = StateFiles(tmp_path / "gone", is_recording=lambda: True)

    files.mark_scraped()

    assert "cannot be written" in files.facts().problem
