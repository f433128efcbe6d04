"""A name in, the right to work on it out: one run at a time on a source, on one machine or on several.

With a Redis URL the lock is a lease there, for all machines that share it; without one it is a file in the lake, for
all processes of this machine. A lock may be lost (Redis flushed, lease run out): it saves work and noise, while
If-Match and deterministic ids keep what stands on the server right without it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from service.errors import InUse
from service.lake import folder, private_directory


@contextmanager
def held(name: str, lake: Path, redis_url: str | None = None) -> Iterator[None]:
    """Hold `name` for the block; InUse at once when somebody else holds it."""
    with _lease(name, redis_url) if redis_url else _file(name, lake) as free:
        if not free:
            raise InUse(
                f"another run is at work on {name}",
                where="Redis" if redis_url else str(lake / "locks"),
                do="wait until it has ended",
            )
        yield


def _lease(name: str, redis_url: str) -> AbstractContextManager[bool]:
    # Its client brings an asyncio side along: 0.15 s at the start of every command.
    from service.jobs.leases import lease

    return lease(name, redis_url)


@contextmanager
def _file(name: str, lake: Path) -> Iterator[bool]:
    private_directory(lake / "locks")
    path = lake / "locks" / f"{folder(name)}.lock"
    with path.open("w") as handle:
        path.chmod(0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        yield free
