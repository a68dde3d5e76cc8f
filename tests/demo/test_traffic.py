import asyncio
import random
from itertools import islice

import httpx
import pytest

from litellm_obs_plugin.demo.shots import Shot, shots
from litellm_obs_plugin.demo.tally import Result, Tally
from litellm_obs_plugin.demo.traffic import fire, results


def test_the_same_seed_gives_the_same_shots():
    def first(seed: int) -> list[Shot]:
        return list(islice(shots(random.Random(seed), 5.0), 50))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_the_mix_is_as_described():
    drawn = list(islice(shots(random.Random(4), 5.0), 5_000))

    chats = [shot for shot in drawn if shot.path == "/v1/chat/completions"]
    assert 0.4 == pytest.approx(sum(shot.stream for shot in chats) / len(chats), abs=0.03)
    assert 0.2 == pytest.approx(sum(shot.pause_s for shot in drawn) / len(drawn), rel=0.1)
    assert 4 == len({shot.path for shot in drawn})
    assert 10 < sum(shot.bad_key for shot in drawn) < 120


def test_the_line_of_numbers():
    now = iter([0.0, 65.0])
    tally = Tally(clock=lambda: next(now), sent=4)
    for status, ok, latency_s in [(200, True, 0.2), (200, True, 0.4), (500, False, 9.0)]:
        tally.add(Result(status=status, ok=ok, latency_s=latency_s))

    assert "4 sent · 66.7% ok · p50 0.30 s · 0.1/s · 1:05 · failed: 1x 500" == tally.line()


def test_results_are_counted():
    async def play() -> Tally:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
        tally = Tally(clock=asyncio.get_running_loop().time)
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
            flow = results(client, tally=tally, rate=1_000, rng=random.Random(1))
            async for _ in flow:
                if tally.ok == 20:
                    break
            await flow.aclose()
        return tally

    tally = asyncio.run(play())

    assert 20 == tally.ok <= tally.sent


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ('data: {"id": 1}\n\ndata: [DONE]\n\n', True),
        ('data: {"id": 1}\n\ndata: {"error": {}}\n\n', False),
        ("event: error\ndata: {}\n\n", False),
    ],
)
def test_a_stream_that_breaks_off_is_not_ok(text, ok):
    shot = Shot(pause_s=0, path="/v1/messages", body={"stream": True}, tags=("a",), bad_key=False)

    async def play() -> Result:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, text=text))
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
            return await fire(client, shot, clock=asyncio.get_running_loop().time)

    assert ok is asyncio.run(play()).ok
