"""Forms, ages and entity tags of answers."""

import asyncio

import pytest

from litellm_obs_plugin.routes.answering import Form, Shelf, choose_form


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, Form.JSON),
        ("*/*", Form.JSON),
        ("text/csv", Form.CSV),
        ("Text/CSV; q=0.9, application/json;q=0.2", Form.CSV),
        ("text/csv;q=0.1, application/json", Form.JSON),
        ("text/csv;q=0", Form.JSON),
        ("text/csv;q=much", Form.JSON),
    ],
)
def test_what_is_accepted(accept, form):
    assert form == choose_form(None, accept)


def test_the_query_has_the_last_word():
    assert Form.JSON == choose_form(Form.JSON, "text/csv")


class Kitchen:
    """Counts what it makes; each takes *takes_s* on its own clock."""

    def __init__(self, takes_s=0.0):
        self.now, self.made, self.takes_s = 100.0, 0, takes_s

    async def make(self):
        self.made += 1
        self.now += self.takes_s
        return str(self.made).encode()

    async def ask(self, shelf, key="key", *, max_age_s=60.0, fresh=False):
        return (await shelf.get(key, self.make, max_age_s=max_age_s, fresh=fresh)).body


async def test_an_answer_serves_for_a_second():
    kitchen = Kitchen()
    shelf = Shelf(lambda: kitchen.now)

    first = [await kitchen.ask(shelf) for _ in range(100)]
    kitchen.now += 1.0

    assert [b"1"] * 100 == first
    assert b"2" == await kitchen.ask(shelf)


async def test_a_dear_one_serves_longer_but_never_beyond_its_age():
    for max_age_s, expected in ((60.0, b"1"), (2.0, b"2")):
        kitchen = Kitchen(takes_s=0.5)
        shelf = Shelf(lambda kitchen=kitchen: kitchen.now)
        await kitchen.ask(shelf, max_age_s=max_age_s)
        kitchen.now += 4.0
        assert expected == await kitchen.ask(shelf, max_age_s=max_age_s)


async def test_fresh_is_fresh():
    kitchen = Kitchen()
    shelf = Shelf(lambda: kitchen.now)
    await kitchen.ask(shelf)

    assert b"2" == await kitchen.ask(shelf, fresh=True)
    assert b"2" == await kitchen.ask(shelf)


async def test_a_clock_that_is_set_back_keeps_nothing_alive():
    kitchen = Kitchen()
    shelf = Shelf(lambda: kitchen.now)
    await kitchen.ask(shelf)
    kitchen.now -= 50

    assert b"2" == await kitchen.ask(shelf)


async def test_one_who_hangs_up_takes_nothing_from_the_others():
    kitchen, begun, go = Kitchen(), asyncio.Event(), asyncio.Event()
    shelf = Shelf(lambda: kitchen.now)

    async def slow():
        begun.set()
        await go.wait()
        return await kitchen.make()

    askers = [
        asyncio.create_task(shelf.get("key", slow, max_age_s=60.0, fresh=True)) for _ in range(5)
    ]
    await begun.wait()
    askers[0].cancel()
    go.set()
    answers = await asyncio.gather(*askers, return_exceptions=True)

    assert isinstance(answers[0], asyncio.CancelledError)
    assert [b"1"] * 4 == [answer.body for answer in answers[1:]]


async def test_a_failure_is_told_and_not_kept():
    kitchen = Kitchen()
    shelf = Shelf(lambda: kitchen.now)

    async def fail():
        raise OSError("no such directory")

    with pytest.raises(OSError, match="no such directory"):
        await shelf.get("key", fail, max_age_s=60.0, fresh=False)
    assert b"1" == await kitchen.ask(shelf)


async def test_hostile_variety_does_not_grow_memory():
    kitchen = Kitchen()
    shelf = Shelf(lambda: kitchen.now)
    for n in range(1000):
        await kitchen.ask(shelf, n)

    assert len(shelf) == 16
