"""Patients in, a few at a time worked on: one after the other per worker, from one stream, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


async def each(items: Iterator[T], work: Callable[[T], Awaitable[None]], *, workers: int) -> None:
    """`items` is drawn from as workers come free, so memory holds `workers` of them; the first error ends all."""

    async def worker() -> None:
        for item in items:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(worker())
    except ExceptionGroup as several:
        raise several.exceptions[0] from several
