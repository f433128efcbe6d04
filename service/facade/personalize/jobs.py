"""Patients or a Group in, a job that reads and derives them, one after the other, out; it can be watched and cancelled.

Jobs live with the process: who asks for one of before a restart is told that there is none. Nothing is written to the
source: the run is planned, and what it says is served.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal
from uuid import uuid4

import structlog

from service.errors import PersonalizeError
from service.facade.outcome import Refusal

WAITING = 10
REMEMBERED = 1_000

State = Literal["waiting", "running", "done", "failed", "cancelled"]

log = structlog.get_logger(__name__)


@dataclass
class Job:
    """`owner` alone is told of it. `said` is where it is, or why it failed; `profiles` how many it made."""

    owner: tuple[str, str]
    patients: tuple[str, ...]
    group: str | None
    id: str = field(default_factory=lambda: uuid4().hex)
    state: State = "waiting"
    said: str = "waiting"
    profiles: int = 0
    cancelled: bool = False

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


class Jobs:
    """`work` carries a job out in a thread, and says how many profiles it made."""

    def __init__(self, work: Callable[[Job], int]) -> None:
        self._work = work
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._crew = ThreadPoolExecutor(1, thread_name_prefix="personalize")

    def begin(self, job: Job) -> Job:
        """429 where too many wait already."""
        if sum(not each.over for each in self._jobs.values()) >= WAITING:
            raise Refusal(429, "throttled", "too many are waiting; come back later", {"Retry-After": "60"})
        self._jobs[job.id] = job
        if len(self._jobs) > REMEMBERED:
            self._jobs.popitem(last=False)
        self._crew.submit(self._carry_out, job)
        return job

    def of(self, id: str, owner: tuple[str, str]) -> Job | None:
        job = self._jobs.get(id)
        return job if job and job.owner == owner else None

    def cancel(self, job: Job) -> None:
        """What has begun ends with its step."""
        job.cancelled = True
        if job.state == "waiting":
            job.state = job.said = "cancelled"

    def close(self) -> None:
        for job in self._jobs.values():
            self.cancel(job)
        self._crew.shutdown(cancel_futures=True)

    def _carry_out(self, job: Job) -> None:
        if job.cancelled:
            return
        job.state = "running"
        try:
            job.profiles = self._work(job)
            job.state = job.said = "cancelled" if job.cancelled else "done"
        except PersonalizeError as error:
            job.state, job.said = "failed", "it could not be carried out; try again later"
            log.warning("personalize failed", reason=error.what)
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread; the job has to say that it ended
            job.state, job.said = "failed", "the service failed; its log says where"
            log.error("personalize failed", reason=type(error).__name__)
