"""Who asks in, whether they have to wait, and how long, out: so many requests a minute, in bursts of a quarter."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from service.facade.outcome import Refusal

KNOWN = 10_000  # clients; the one that asked longest ago is forgotten first


@dataclass(frozen=True)
class Rate:
    """How fast a client's bucket fills up again, and how much it holds."""

    per_second: float
    most: float

    @classmethod
    def of(cls, per_minute: int) -> Rate:
        return cls(per_minute / 60, max(1.0, per_minute / 4))

    def judged(self, left: float) -> None:
        """Refusal 429 where less than one is left."""
        if left >= 1:
            return
        seconds = max(1, round((1 - left) / self.per_second))
        raise Refusal(429, "throttled", "too many requests; wait as Retry-After says", {"Retry-After": str(seconds)})


class Limits(Protocol):
    """A bucket for each client, which fills up again as time goes by."""

    async def take(self, who: str) -> None:
        """Refusal 429 where nothing is left."""

    async def check(self, who: str) -> None:
        """As `take`, and nothing is taken."""

    async def close(self) -> None:
        """Nothing is asked of it any more."""


@asynccontextmanager
async def proving(limits: Limits, who: str) -> AsyncIterator[None]:
    """For a block that finds out who asks: who fails there again and again is not looked at any more for a while."""
    await limits.check(who)
    try:
        yield
    except Refusal as refusal:
        if refusal.status == 401:
            await limits.take(who)
        raise


class OwnLimits:
    """Of this process alone."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, who: str) -> None:
        left = self._left(who)
        self._keep(who, left - 1 if left >= 1 else left)
        self._rate.judged(left)

    async def check(self, who: str) -> None:
        self._rate.judged(self._left(who))

    async def close(self) -> None:
        self._buckets.clear()

    def _left(self, who: str) -> float:
        now, most = self._clock(), self._rate.most
        left, at = self._buckets.get(who, (most, now))
        return min(most, left + (now - at) * self._rate.per_second)

    def _keep(self, who: str, left: float) -> None:
        self._buckets[who] = left, self._clock()
        self._buckets.move_to_end(who)
        if len(self._buckets) > KNOWN:
            self._buckets.popitem(last=False)
