"""A name in, the lease of it in Redis out: for all machines that share that Redis, renewed while it is held."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis
import structlog
from redis.lock import Lock

from service.errors import WrongUsage

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
        raise WrongUsage(f"Redis cannot be reached: {error}", do="start it, or leave redis_url away") from error
    if not free:
        yield False
        return
    try:
        with _renewed(lock):
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


@contextmanager
def _renewed(lock: Lock) -> Iterator[None]:
    """Renew the lease three times in its span, from a thread of its own, until the block ends."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(LEASE_SECONDS / 3):
            try:
                lock.reacquire()
            except redis.RedisError as error:
                log.warning("lock lost; the run goes on under If-Match", reason=type(error).__name__)
                return

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(allowed(url))


def allowed(url: str) -> str:
    """The same; off this machine only by TLS and with a password."""
    parts = urlsplit(url)
    if (
        parts.scheme != "unix"
        and not _local(parts.hostname or "")
        and not (parts.scheme == "rediss" and parts.password)
    ):
        raise WrongUsage(
            "Redis on another machine is used only by rediss:// with a password", do="change redis_url accordingly"
        )
    return url


def _local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
