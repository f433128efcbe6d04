"""A name in, the right to work on it out: one run at a time on a source, on one machine or on several.

With a Redis URL the lock is a lease there, for all machines that share it; without one it is a file in the lake, for
all processes of this machine. A lock may be lost (Redis flushed, lease run out): it saves work and noise, while
If-Match and deterministic ids keep what stands on the server right without it.
"""

from __future__ import annotations

import fcntl
import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import redis
import structlog
from redis.lock import Lock

from service.errors import LakeProblem, WrongUsage
from service.lake import folder, private_directory

LEASE_SECONDS = 60.0

log = structlog.get_logger(__name__)


@contextmanager
def held(name: str, lake: Path, redis_url: str | None = None) -> Iterator[None]:
    """Hold `name` for the block; LakeProblem at once when somebody else holds it."""
    with _lease(name, redis_url) if redis_url else _file(name, lake):
        yield


@contextmanager
def _file(name: str, lake: Path) -> Iterator[None]:
    private_directory(lake / "locks")
    path = lake / "locks" / f"{folder(name)}.lock"
    with path.open("w") as handle:
        path.chmod(0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(name, str(path)) from None
        yield


@contextmanager
def _lease(name: str, url: str) -> Iterator[None]:
    client = connect(url)
    lock = client.lock(f"personalize:lock:{name}", timeout=LEASE_SECONDS, thread_local=False)
    try:
        free = lock.acquire(blocking=False)
    except redis.ConnectionError as error:
        raise WrongUsage(f"Redis cannot be reached: {error}", do="start it, or leave redis_url away") from error
    if not free:
        raise _taken(name, "Redis")
    try:
        with _renewed(lock):
            yield
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
    """Off this machine only by TLS and with a password."""
    parts = urlsplit(url)
    if (
        parts.scheme != "unix"
        and not _local(parts.hostname or "")
        and not (parts.scheme == "rediss" and parts.password)
    ):
        raise WrongUsage(
            "Redis on another machine is used only by rediss:// with a password", do="change redis_url accordingly"
        )
    return redis.Redis.from_url(url)


def _local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _taken(name: str, where: str) -> LakeProblem:
    return LakeProblem(f"another run is at work on {name}", where=where, do="wait until it has ended")
