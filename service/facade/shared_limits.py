"""Who asks in, whether they have to wait out, as all processes that share a Redis count it together.

Redis may be missing, silent or flushed: then each process counts for itself, and looks for Redis again after a while.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable

import redis
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service.facade.limits import OwnLimits, Rate
from service.jobs.leases import allowed

SILENT = 0.2  # seconds that a request waits for Redis, before it is answered without
AGAIN = 5.0  # seconds until Redis is asked again after it failed

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

log = structlog.get_logger(__name__)


class SharedLimits:
    """`name` is the source, whose clients have buckets of their own."""

    def __init__(self, url: str, name: str, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        once = Retry(NoBackoff(), 1)  # a connection may have died since it was last used
        self._redis = Redis.from_url(
            allowed(url), socket_timeout=SILENT, socket_connect_timeout=SILENT, retry=once, protocol=2
        )
        self._bucket = self._redis.register_script(BUCKET)
        self._name, self._rate, self._clock = name, rate, clock
        self._own, self._failed_at = OwnLimits(rate, clock), float("-inf")
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
        await self._redis.aclose()

    async def _left(self, who: str, taken: int) -> float | None:
        """None where Redis does not say."""
        if self._clock() - self._failed_at < AGAIN:
            return None
        try:
            said = await self._bucket([self._key(who)], [self._rate.per_second, self._rate.most, taken, self._full])
        except redis.RedisError as error:
            self._failed_at = self._clock()
            log.warning("Redis does not answer; limits are counted here alone", reason=type(error).__name__)
            return None
        return float(said)

    def _key(self, who: str) -> str:
        return f"personalize:limit:{self._name}:{hashlib.sha256(who.encode()).hexdigest()}"
