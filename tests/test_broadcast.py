"""Many listeners, one computation."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import HTTPException
from sse_starlette import ServerSentEvent

from litellm_obs_plugin.routes.broadcast import Broadcast
from litellm_obs_plugin.routes.stream import SeatedResponse, Seats

NOW = 1_750_000_000.0
FIRST = int(NOW * 1000)


class Maker:
    """Counts the frames it was asked for."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.made = 0
        self.fails_at = fails_at
        self.grew = asyncio.Event()

    async def __call__(self) -> str | None:
        self.made += 1
        self.grew.set()
        if self.made == self.fails_at:
            raise ValueError("no more")
        return str(self.made)

    async def reached(self, count: int) -> None:
        while self.made < count:
            self.grew.clear()
            await self.grew.wait()


def broadcast(make, *, interval_s=0.005):
    return Broadcast(make, interval_s=interval_s, clock=lambda: NOW)


@pytest.fixture(autouse=True)
async def impatient():
    async with asyncio.timeout(20):
        yield


async def take(frames, count):
    found = [await anext(frames) for _ in range(count)]
    await frames.aclose()
    return found


async def test_listeners_share_the_computation():
    make = Maker()
    shared = broadcast(make, interval_s=3600)

    found = await asyncio.gather(*(take(shared.listen(), 1) for _ in range(50)))

    assert [["1"]] * 50 == [[frame.body for frame in frames] for frames in found]
    assert 1 == make.made


async def test_numbers_grow_and_begin_with_the_time():
    """So that they grow over restarts, too."""
    numbers = [frame.number for frame in await take(broadcast(Maker()).listen(), 4)]

    assert [FIRST, FIRST + 1, FIRST + 2, FIRST + 3] == numbers


async def test_a_slow_listener_skips_to_the_newest():
    make = Maker()
    frames = broadcast(make).listen()

    first = await anext(frames)
    await make.reached(6)  # the fifth is out by then
    second = await anext(frames)
    await frames.aclose()

    assert 1 == int(first.body)
    assert int(second.body) >= 5


async def test_what_was_seen_is_not_sent_again():
    shared = broadcast(Maker(), interval_s=0.05)
    other = shared.listen()
    seen = await anext(other)

    (frame,) = await take(shared.listen(after=seen.number), 1)
    await other.aclose()

    assert frame.number > seen.number


async def test_a_number_from_the_future_does_not_silence_the_stream():
    (frame,) = await take(broadcast(Maker()).listen(after=FIRST * 10), 1)

    assert "1" == frame.body


async def test_nothing_is_made_for_nobody_and_all_goes_on_with_the_next():
    make = Maker()
    shared = broadcast(make)
    await take(shared.listen(), 2)
    made = make.made

    for _ in range(5):
        await asyncio.sleep(0.005)
    assert (made, 0) == (make.made, shared.listeners)
    (frame,) = await take(shared.listen(after=FIRST + 1), 1)
    assert made + 1 == int(frame.body)


async def test_a_failure_ends_the_stream_for_all(caplog):
    """Nobody waits for frames that will not come; browsers connect again by themselves."""
    shared = broadcast(Maker(fails_at=3))

    async def listen():
        return [frame.body async for frame in shared.listen()]

    found = await asyncio.gather(listen(), listen())

    assert all(bodies[-1] == "2" for bodies in found)
    assert "no more" in caplog.text


class TestSeats:
    async def serve(self, seats, events):
        async def receive():
            await asyncio.sleep(3600)

        async def send(_):
            pass

        seats.take()
        await SeatedResponse(events, seats=seats)({"type": "http", "method": "GET"}, receive, send)

    def test_one_too_many_is_told_when_to_come_again(self):
        seats = Seats(most=2)
        seats.take()
        seats.take()

        with pytest.raises(HTTPException) as caught:
            seats.take()

        assert (503, "10") == (caught.value.status_code, caught.value.headers["retry-after"])
        seats.leave()
        seats.take()

    async def test_whoever_goes_leaves_the_seat(self):
        seats = Seats(most=1)

        async def ends():
            yield ServerSentEvent("1")

        async def breaks():
            yield ServerSentEvent("1")
            raise OSError("gone")

        await self.serve(seats, ends())
        with pytest.raises(OSError, match="gone"):
            await self.serve(seats, breaks())
        waiting = asyncio.create_task(self.serve(seats, broadcast(Maker()).listen()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert 0 == seats.taken
