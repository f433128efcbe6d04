"""What a server states of itself, kept for who asks it again soon.

HAPI 8.8.0 takes a third of a second to say it, as long as to answer all searches for a patient; a run of one patient
would hear it four times.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from service.server.capability import Capability

KEPT = 300.0  # seconds after which a server is asked again: it may be another by then


@dataclass(frozen=True)
class Stated:
    """`ahead` is its clock against ours, less at most a second: its Date tells no fractions."""

    capability: Capability
    ahead: dt.timedelta

    def now(self) -> dt.datetime:
        """By the server's clock, and never later than that."""
        return (dt.datetime.now(dt.UTC) + self.ahead).replace(microsecond=0)


class Statements:
    """By base address. For one run, or for a worker's life."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Stated]] = {}

    def of(self, base: str) -> Stated | None:
        at, stated = self._kept.get(base, (0.0, None))
        return stated if stated and self._clock() - at < KEPT else None

    def keep(self, base: str, stated: Stated) -> None:
        self._kept[base] = self._clock(), stated
