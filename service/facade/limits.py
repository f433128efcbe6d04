"""Who asks in, whether they have to wait, and how long, out: so many requests a minute, in bursts of a quarter."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from service.facade.outcome import Refusal

KNOWN = 10_000  # clients; the one that asked longest ago is forgotten first


class Limits:
    """A bucket for each client, which fills up again as time goes by."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._most = per_minute / 60, max(1.0, per_minute / 4)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """Refusal 429 where nothing is left."""
        left = self._left(who)
        if left < 1:
            self._keep(who, left)
            raise self._wait(left)
        self._keep(who, left - 1)

    def check(self, who: str) -> None:
        """As `take`, and nothing is taken."""
        if (left := self._left(who)) < 1:
            raise self._wait(left)

    def _left(self, who: str) -> float:
        left, at = self._buckets.get(who, (self._most, self._clock()))
        return min(self._most, left + (self._clock() - at) * self._per_second)

    def _keep(self, who: str, left: float) -> None:
        self._buckets[who] = left, self._clock()
        self._buckets.move_to_end(who)
        if len(self._buckets) > KNOWN:
            self._buckets.popitem(last=False)

    def _wait(self, left: float) -> Refusal:
        seconds = max(1, round((1 - left) / self._per_second))
        return Refusal(429, "throttled", "too many requests; wait as Retry-After says", {"Retry-After": str(seconds)})
