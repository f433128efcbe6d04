"""How many requests are on their way: halved by "too busy", grown again answer by answer, and never sent too early."""

import asyncio
from itertools import pairwise

import pytest
from sleeping import sleep_by

from service.server.pace import Pace


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, monkeypatch):
        self.now, self.slept = 0.0, []
        real = asyncio.sleep

        async def sleep(seconds):
            self.now += seconds
            self.slept.append(seconds)
            await real(0)

        sleep_by(monkeypatch, sleep)

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def test_it_is_halved_down_to_one_and_grows_by_one_a_round(clock):
    pace = Pace(8, clock)
    for expected in (4, 2, 1, 1):
        pace.too_busy(None)
        assert pace.allowed == expected
    for _ in range(3):
        pace.went_well()
    assert 2 < pace.allowed < 3
    for _ in range(100):
        pace.went_well()
    assert pace.allowed == 8


def test_nobody_is_sent_before_the_time_that_was_asked_for(clock):
    async def one(pace):
        async with pace.slot():
            return clock.now

    async def talk():
        pace = Pace(2, clock)
        pace.too_busy(30)
        pace.too_busy(5)
        return await asyncio.gather(one(pace), one(pace))

    assert min(asyncio.run(talk())) >= 30


def test_no_more_than_allowed_are_on_their_way(clock):
    most, on_the_way = [], [0]

    async def one(pace):
        async with pace.slot():
            on_the_way[0] += 1
            most.append(on_the_way[0])
            for _ in range(3):
                await asyncio.sleep(0)
            on_the_way[0] -= 1

    async def talk():
        pace = Pace(4, clock)
        pace.too_busy(None)
        await asyncio.gather(*(one(pace) for _ in range(10)))

    asyncio.run(talk())
    assert max(most) == 2


def test_no_more_are_sent_in_a_second_than_the_source_allows(clock):
    async def one(pace):
        async with pace.slot():
            return clock.now

    async def talk():
        pace = Pace(8, clock, a_second=4)
        return [await one(pace) for _ in range(9)]

    assert all(later - earlier >= 0.25 for earlier, later in pairwise(asyncio.run(talk())))
