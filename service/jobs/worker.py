"""A queue in, its jobs carried out one after the other until it is told to end; then the one under way is ended first.

A worker may be killed at any moment: its lease runs out, and another takes the job over from what is on record.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog

from service.errors import LakeProblem, LeaseLost, NotPermitted, PersonalizeError, ServerBusy, Unreachable
from service.jobs import schedule
from service.jobs.beside import repeated
from service.jobs.queue import Claim, Queue
from service.settings import Source
from service.settings.jobs import Jobs

NOT_ITS_FAULT = (LakeProblem, NotPermitted, ServerBusy, Unreachable)

log = structlog.get_logger(__name__)

CarryOut = Callable[[Claim], None]
Ended = Callable[[Claim, str], None]


def unwatched(_claim: Claim, _how: str) -> None:
    """For who does not count."""


@dataclass
class Worker:
    """`ended` is told how each job ended: done, failed, aside, off (put off) or lost (taken over)."""

    queue: Queue
    sources: Sequence[Source]
    settings: Jobs
    carry_out: CarryOut
    ended: Ended = unwatched
    over: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Until `over` is set. A catalog that is away for a while is waited for."""
        while not self.over.is_set():
            try:
                self.until_idle()
            except sa.exc.DatabaseError as error:
                log.warning("the catalog cannot be used; trying again", reason=type(error.orig).__name__)
            self.over.wait(self.settings.poll)

    def until_idle(self) -> int:
        """How many jobs were carried out until none was due."""
        count = 0
        while not self.over.is_set() and (claim := self._next()):
            self._one(claim)
            count += 1
        return count

    def _next(self) -> Claim | None:
        schedule.look(self.queue, self.sources)
        schedule.look_after(self.queue, self.sources)
        if count := self.queue.set_aside_the_deadly():
            log.error("jobs set aside: their workers ended without a word", jobs=count)
        return self.queue.claim([each.id for each in self.sources])

    def _one(self, claim: Claim) -> None:
        how = self._carried_out(claim)
        log.info("job", source=claim.source, kind=claim.kind, ended=how, tries=claim.tries)
        self.ended(claim, how)

    def _carried_out(self, claim: Claim) -> str:
        try:
            with repeated(lambda: self._still_ours(claim), self.settings.lease / 3, "lease"):
                self.carry_out(claim)
            self.queue.done(claim)
        except LeaseLost:
            return "lost"
        except NOT_ITS_FAULT as error:
            self.queue.put_off(claim, error.text, getattr(error, "wait", None) or self.settings.backoff)
            return "off"
        except PersonalizeError as error:
            return "aside" if self.queue.failed(claim, error.text) else "failed"
        except Exception as error:  # noqa: BLE001 - one patient's data must not end the worker for all others
            log.error("a job met a mistake of ours", kind=claim.kind, reason=type(error).__name__)
            return "aside" if self.queue.failed(claim, f"a mistake of ours: {type(error).__name__}") else "failed"
        return "done"

    def _still_ours(self, claim: Claim) -> bool:
        try:
            return self.queue.renew(claim)
        except Exception as error:  # noqa: BLE001 - it is tried again; without it the lease runs out, which is safe
            log.warning("lease not renewed", reason=type(error).__name__)
            return True
