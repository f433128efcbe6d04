"""A name in, the lease of it in Redis out: for all machines that share that Redis, renewed while it is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis
import structlog
from redis.lock import Lock

from service.errors import LakeProblem, WrongUsage
from service.jobs.beside import repeated
from service.server.egress import names_this_machine

LEASE_SECONDS = 60.0

log = structlog.get_logger(__name__)


@contextmanager
def lease(name: str, url: str) -> Iterator[bool]:
    """Whether it is ours, for the block."""
    client = connect(url)
    lock = client.lock(f"personalize:lock:{name}", timeout=LEASE_SECONDS, thread_local=False)
    try:
        free = lock.acquire(blocking=False)
    except redis.ConnectionError as error:
        raise LakeProblem(f"Redis cannot be reached: {error}", do="start it, or leave redis_url away") from error
    if not free:
        yield False
        return
    try:
        with repeated(lambda: _renewed(lock), LEASE_SECONDS / 3, "lock"):
            yield True
    finally:
        _release(lock)
        client.close()


def _release(lock: Lock) -> None:
    try:
        if lock.owned():
            lock.release()
    except redis.RedisError as error:
        log.warning("lock not released; its lease runs out by itself", reason=type(error).__name__)


def _renewed(lock: Lock) -> bool:
    """Three times in the span of a lease, so that one renewal may fail to come in time."""
    try:
        lock.reacquire()
    except redis.RedisError as error:
        log.warning("lock lost; the run goes on under If-Match", reason=type(error).__name__)
        return False
    return True


def connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(allowed(url))


def allowed(url: str) -> str:
    """The same; off this machine only by TLS and with a password."""
    parts = urlsplit(url)
    if (
        parts.scheme != "unix"
        and not names_this_machine(parts.hostname or "")
        and not (parts.scheme == "rediss" and parts.password)
    ):
        raise WrongUsage(
            "Redis on another machine is used only by rediss:// with a password", do="change redis_url accordingly"
        )
    return url
