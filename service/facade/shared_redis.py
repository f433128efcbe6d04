"""A question to the Redis that several servers share in, its answer out; None while Redis is missing, or silent.

Each server does without it then, and asks it again after a while: what is in it may always be gone.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import redis
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service.jobs.leases import allowed

SILENT = 0.2  # seconds that a request waits for Redis, before it is answered without
AGAIN = 5.0  # seconds until Redis is asked again after it failed

Told = TypeVar("Told")

log = structlog.get_logger(__name__)


class SharedRedis:
    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        once = Retry(NoBackoff(), 1)  # a connection may have died since it was last used
        self.redis = Redis.from_url(
            allowed(url), socket_timeout=SILENT, socket_connect_timeout=SILENT, retry=once, protocol=2
        )
        self.clock, self._failed_at = clock, float("-inf")

    async def told(self, asking: Callable[[], Awaitable[Told]]) -> Told | None:
        if self.clock() - self._failed_at < AGAIN:
            return None
        try:
            return await asking()
        except redis.RedisError as error:
            self._failed_at = self.clock()
            log.warning("Redis does not answer; this server does without it", reason=type(error).__name__)
            return None

    async def close(self) -> None:
        await self.redis.aclose()
