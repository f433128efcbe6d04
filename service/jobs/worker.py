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
from service.tracing import span

CALLED_OFF = "its worker was told to end"
NOT_ITS_FAULT = (LakeProblem, NotPermitted, ServerBusy, Unreachable)

log = structlog.get_logger(__name__)

CarryOut = Callable[[Sequence[Claim]], None]
Ended = Callable[[Claim, str], None]


def unwatched(_claim: Claim, _how: str) -> None:
    """For who has nothing to do with it."""


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
        while not self.over.is_set() and (claims := self._next()):
            self._several(claims)
            count += len(claims)
        return count

    def _next(self) -> list[Claim]:
        schedule.look(self.queue, self.sources)
        schedule.look_after(self.queue, self.sources)
        if count := self.queue.set_aside_the_deadly():
            log.error("jobs set aside: their workers ended without a word", jobs=count)
        return self.queue.claim_some([each.id for each in self.sources], self.settings.together)

    def _several(self, claims: list[Claim]) -> None:
        """Together where that goes well; else each by itself, so that who cannot be done fails alone."""
        with repeated(lambda: self._still_ours(claims), self.settings.lease / 3, "lease"):
            if len(claims) == 1:
                self._each(claims, self._one)
            elif not self._together(claims):
                self._each(claims, self._one_of_several)

    def _together(self, claims: list[Claim]) -> bool:
        """Whether that was the end of it: what is no patient's fault is none of each by itself either."""
        try:
            self._carried_out(claims)
        except NOT_ITS_FAULT as error:
            for claim in claims:
                self._told(claim, self._not_its_fault(claim, error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is met again by whom it is about
            log.info("jobs are carried out one by one", jobs=len(claims), reason=type(error).__name__)
            return False
        else:
            self._each(claims, self._done)
        return True

    def _each(self, claims: list[Claim], end: Callable[[Claim], str]) -> None:
        for claim in claims:
            self._told(claim, end(claim))

    def _one_of_several(self, claim: Claim) -> str:
        """Not begun any more where the worker is told to end."""
        return self._off(claim, CALLED_OFF, 0) if self.over.is_set() else self._one(claim)

    def _carried_out(self, claims: Sequence[Claim]) -> None:
        with span("job", source=claims[0].source, kind=claims[0].kind, jobs=len(claims)) as told:
            self.carry_out(claims)
            told["outcome"] = "done"

    def _told(self, claim: Claim, how: str) -> None:
        log.info("job", source=claim.source, kind=claim.kind, ended=how, tries=claim.tries)
        self.queue.count(claim, how)
        self.ended(claim, how)

    def _one(self, claim: Claim) -> str:
        try:
            self._carried_out([claim])
        except LeaseLost:
            return "lost"
        except NOT_ITS_FAULT as error:
            return self._not_its_fault(claim, error)
        except PersonalizeError as error:
            return "aside" if self.queue.failed(claim, error.text) else "failed"
        except Exception as error:  # noqa: BLE001 - one patient's data must not end the worker for all others
            log.error("a job met a mistake of ours", kind=claim.kind, reason=type(error).__name__)
            return "aside" if self.queue.failed(claim, f"a mistake of ours: {type(error).__name__}") else "failed"
        return self._done(claim)

    def _done(self, claim: Claim) -> str:
        self.queue.done(claim)
        return "done"

    def _not_its_fault(self, claim: Claim, error: PersonalizeError) -> str:
        return self._off(claim, error.text, getattr(error, "wait", None) or self.settings.backoff)

    def _off(self, claim: Claim, said: str, seconds: float) -> str:
        self.queue.put_off(claim, said, seconds)
        return "off"

    def _still_ours(self, claims: list[Claim]) -> bool:
        try:
            renewed = [self.queue.renew(claim) for claim in claims]
        except Exception as error:  # noqa: BLE001 - it is tried again; without it the lease runs out, which is safe
            log.warning("leases not renewed", reason=type(error).__name__)
            return True
        return any(renewed)
