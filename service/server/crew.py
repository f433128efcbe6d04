"""Work in, done a few pieces at a time: the first failure ends the rest and is raised as itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


async def together(work: Iterable[Coroutine[None, None, None]]) -> None:
    """All at once."""
    try:
        async with asyncio.TaskGroup() as group:
            for piece in work:
                group.create_task(piece)
    except ExceptionGroup as several:
        raise several.exceptions[0] from several


async def each(items: Iterator[T], work: Callable[[T], Awaitable[None]], *, workers: int) -> None:
    """`items` is drawn from as workers come free, so memory holds `workers` of them."""

    async def worker() -> None:
        for item in items:
            await work(item)

    await together(worker() for _ in range(workers))


async def each_that_comes(items: AsyncIterator[T], work: Callable[[T], Awaitable[None]], *, workers: int) -> None:
    """The same of what has to be waited for."""
    turn = asyncio.Lock()

    async def worker() -> None:
        while True:
            async with turn:  # such an iterator bears no second one who waits for it
                item = await anext(items, None)
            if item is None:
                return
            await work(item)

    await together(worker() for _ in range(workers))
