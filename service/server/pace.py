"""How a server answers in, how many requests may be on their way to it out.

As TCP does it: a "too busy" halves the number and lets everybody wait as long as was asked, every answer adds a part
of one. So a server's limit is found without being told, and found again when it moves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

FEWEST = 1.0


class Pace:
    """`most` is the source's own limit; `allowed` moves between 1 and it. `a_second` are sent at most, where set."""

    def __init__(
        self, most: int, clock: Callable[[], float] = time.monotonic, *, a_second: float | None = None
    ) -> None:
        self.most, self.allowed = most, float(most)
        self._apart = 1 / a_second if a_second else 0.0
        self._next = 0.0
        self._clock = clock
        self._on_the_way = 0
        self._not_before = 0.0
        self._free = asyncio.Event()

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        while self._on_the_way >= max(FEWEST, int(self.allowed)):
            self._free.clear()
            await self._free.wait()
        self._on_the_way += 1
        try:
            await self._waited()
            await self._in_its_turn()
            yield
        finally:
            self._on_the_way -= 1
            self._free.set()

    async def _waited(self) -> None:
        while (wait := self._not_before - self._clock()) > 0:
            await asyncio.sleep(wait)

    async def _in_its_turn(self) -> None:
        if self._apart:
            begins = max(self._next, self._clock())
            self._next = begins + self._apart
            await asyncio.sleep(max(0.0, begins - self._clock()))

    def went_well(self) -> None:
        self.allowed = min(float(self.most), self.allowed + 1 / self.allowed)

    def too_busy(self, wait: float | None) -> None:
        """`wait` is what the server asked for, where it is waited for at all."""
        self.allowed = max(FEWEST, self.allowed / 2)
        self._not_before = max(self._not_before, self._clock() + (wait or 0.0))
