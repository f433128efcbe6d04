"""Reading one ahead: the next is asked for while one is worked on, and nothing is left when somebody stops."""

import asyncio
from contextlib import aclosing

import pytest

from service.server.crew import one_ahead


def numbers(log, fails_at=None):
    async def generate():
        try:
            for number in range(4):
                log.append(f"ask {number}")
                await asyncio.sleep(0)
                if number == fails_at:
                    raise LookupError(number)
                yield number
        finally:
            log.append("closed")

    return one_ahead(generate())


def worked_on(log, coming, stop_at=None):
    async def work():
        async with aclosing(coming) as items:
            async for item in items:
                await asyncio.sleep(0)
                log.append(f"do {item}")
                if item == stop_at:
                    break
        return [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]

    return asyncio.run(work())


def test_the_next_is_asked_for_before_one_is_done():
    log = []
    assert worked_on(log, numbers(log)) == []
    assert [each for each in log if each.startswith("do")] == ["do 0", "do 1", "do 2", "do 3"]
    assert log.index("ask 2") < log.index("do 1")
    assert "closed" in log


def test_what_fails_fails_after_those_before_it_are_done():
    log = []
    with pytest.raises(LookupError):
        worked_on(log, numbers(log, fails_at=2))
    assert log[-2:] == ["do 1", "closed"]


def test_who_stops_leaves_nothing_running():
    log = []
    assert worked_on(log, numbers(log), stop_at=1) == []
    assert "ask 3" not in log and log[-1] == "closed"
