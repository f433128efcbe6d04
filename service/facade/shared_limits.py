"""Who asks in, whether they have to wait out, as all processes that share a Redis count it together.

Where Redis does not say, each process counts for itself.
"""

from __future__ import annotations

import hashlib
import math

from service.facade.limits import OwnLimits, Rate
from service.facade.shared_redis import SharedRedis

# By Redis's own clock: those of the machines differ. A bucket that is full again is the same as none.
BUCKET = """
local per_second, most, taken = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local held = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(most, (tonumber(held[1]) or most) + (now - (tonumber(held[2]) or now)) * per_second)
if taken == 1 and left >= 1 then
  redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left - 1), 'at', string.format('%.6f', now))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return string.format('%.6f', left)
"""


class SharedLimits:
    """`name` is the source, whose clients have buckets of their own."""

    def __init__(self, shared: SharedRedis, name: str, rate: Rate) -> None:
        self._shared, self._name, self._rate = shared, name, rate
        self._bucket = shared.redis.register_script(BUCKET)
        self._own = OwnLimits(rate, shared.clock)
        self._full = math.ceil(rate.most / rate.per_second * 1000)

    async def take(self, who: str) -> None:
        left = await self._left(who, taken=1)
        if left is None:
            await self._own.take(who)
        else:
            self._rate.judged(left)

    async def check(self, who: str) -> None:
        left = await self._left(who, taken=0)
        if left is None:
            await self._own.check(who)
        else:
            self._rate.judged(left)

    async def close(self) -> None:
        await self._shared.close()

    async def _left(self, who: str, taken: int) -> float | None:
        """None where Redis does not say."""
        rate, key = self._rate, self._key(who)
        said = await self._shared.told(lambda: self._bucket([key], [rate.per_second, rate.most, taken, self._full]))
        return None if said is None else float(said)

    def _key(self, who: str) -> str:
        return f"personalize:limit:{self._name}:{hashlib.sha256(who.encode()).hexdigest()}"
