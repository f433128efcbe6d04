"""A plan's lines in, what came of each out: the Device first, then one patient after the other, several in flight."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from service.compose.content import fingerprint, parse
from service.errors import ServerBusy
from service.server.crew import each_that_comes
from service.settings import Source, WriteRung
from service.write_back.climb import Climb, NothingTaken
from service.write_back.deliver import Delivery, SetAside
from service.write_back.ladder import used
from service.write_back.own import Own
from service.write_back.plan_file import Header, Line
from service.write_back.puts import put
from service.write_back.removal import Removal, Stays
from service.write_back.sending import Put

FAILURES_IN_A_ROW = 20
AHEAD = 64  # patients whose writes are recorded together
ENOUGH = 20  # patients, before a share of them means anything

Progress = Callable[[str, int], None]


@dataclass
class Applied:
    """What came of it so far."""

    written: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    rung: Counter[str] = field(default_factory=Counter)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    unwritten: int = 0
    stopped: str | None = None
    notes: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            "written": dict(self.written),
            "removed": dict(self.removed),
            "rung": dict(self.rung),
            "set_aside": self.set_aside,
            "unwritten": self.unwritten,
            "stopped": self.stopped,
            "notes": self.notes,
        }


@dataclass
class Failures:
    """How many patients were tried, and how many could not be written; some mean that it is not about patients."""

    source: Source
    tried: int = 0
    failed: int = 0
    in_a_row: int = 0

    def succeeded(self) -> None:
        self.tried, self.in_a_row = self.tried + 1, 0

    def one_more(self, why: str) -> str | None:
        """The words to stop with, once they are too many."""
        self.tried, self.failed, self.in_a_row = self.tried + 1, self.failed + 1, self.in_a_row + 1
        if self.in_a_row >= FAILURES_IN_A_ROW:
            return f"{self.in_a_row} patients in a row could not be written; the last one: {why}"
        share = self.failed / self.tried
        if self.tried >= ENOUGH and share > self.source.max_failures:
            return f"{self.failed} of {self.tried} patients could not be written, beyond max_failures; the last: {why}"
        return None


@dataclass
class Applier:
    """`before` are patients that this run has written about already in an earlier apply, `aside` those it could not;
    `finished` how many of a patient's resources were seen to be done before an interruption.
    """

    climb: Climb
    removal: Removal
    own: Own
    before: frozenset[str]
    finished: Mapping[str, int]
    aside: set[str]
    progress: Progress
    failures: Failures
    applied: Applied = field(default_factory=Applied)
    refused: list[tuple[WriteRung, Line]] = field(default_factory=list)

    @property
    def _of(self) -> Delivery:
        return self.climb.delivery

    async def all(self, header: Header, lines: Iterator[Line]) -> None:
        """The Device, every line, and again those that were refused before a lower rung was found."""
        await self._device(header)
        async with aclosing(self._recorded(lines)) as recorded:
            await each_that_comes(recorded, self.patient, workers=self._of.sender.server.in_flight)
        again = [line for rung, line in self.refused if rung != self.climb.ladder.rung]
        names = {line.patient for line in again}
        self.applied.set_aside = [entry for entry in self.applied.set_aside if entry["where"] not in names]
        for line in again:
            await self.patient(line)
        self.applied.notes = self.climb.ladder.notes

    async def _device(self, header: Header) -> None:
        planned, reference = header.device, self.own.device(header.device)
        device = put(reference, planned.resource, planned.before, fingerprint(parse(bytes(planned.resource))))
        if planned.action != "unchanged" and self.climb.ladder.takes_device:
            wrote = await self.climb.device(device, careful=bool(self.before))
            self.applied.written.update(each.type for each in wrote)
        if header.patients:
            await self.climb.if_match(device)

    async def _recorded(self, lines: Iterator[Line]) -> AsyncGenerator[Line, None]:
        """What there is to do, recorded some at a time; who was here before is read first, and recorded then.

        While some are sent, the next go into the catalog, and those after are made ready one by one: what takes its
        time all at once lets the server wait.
        """
        due = map(self._ready, map(self.own.line, filter(self._due, lines)))
        waiting, following = list(islice(due, AHEAD)), list(islice(due, AHEAD))
        recording = asyncio.create_task(self._record(waiting))
        try:
            while waiting:
                await asyncio.shield(recording)  # who stops waiting does not stop it
                some, waiting, following = waiting, following, []
                recording = asyncio.create_task(self._record(waiting))
                for line, _ in some:
                    following += islice(due, 1)
                    yield line
        finally:
            await asyncio.wait([recording])  # or what it records would be closed before it knows of it

    async def _record(self, some: list[tuple[Line, list[Put]]]) -> None:
        if some and not self.applied.stopped:
            await self._of.journal.ahead((line.patient, puts) for line, puts in some)

    def _ready(self, line: Line) -> tuple[Line, list[Put]]:
        return line, [] if line.patient in self.before or self.applied.stopped else self.climb.puts.ahead(line)

    def _due(self, line: Line) -> bool:
        return line.writes and self.finished.get(line.patient, 0) < _wanted(line)

    def close(self) -> None:
        """However it ended, the catalog knows what was sent."""
        self._of.journal.close()
        self._of.catalog.flush()

    async def patient(self, line: Line) -> None:
        if self.applied.stopped:
            self.applied.unwritten += 1
            return
        try:
            await self._carried_out(line)
        except ServerBusy as busy:
            self.applied.unwritten += 1
            self.applied.stopped = busy.text
        except NothingTaken as why:
            self.applied.unwritten += 1
            self.applied.stopped = str(why)
        except (SetAside, Stays) as why:
            self._failed(line, str(why))
        self.progress("apply patients", 1)

    async def _carried_out(self, line: Line) -> None:
        wrote = await self.climb.line(line, careful=line.patient in self.before)
        if line.action == "remove":
            self.applied.removed.update(await self.removal.carry_out(line))
        self.applied.removed.update(await self.removal.replaced(line))
        self.failures.succeeded()
        if line.patient in self.aside:
            self._of.catalog.set_aside(self._of.run, line.patient, None)
        types = [each.type for each in wrote]
        self.applied.written.update(types)
        if types:
            self.applied.rung[used(types)] += 1

    def _failed(self, line: Line, why: str) -> None:
        self.refused.append((self.climb.ladder.rung, line))
        self.applied.set_aside.append({"where": line.patient, "why": why})
        self._of.catalog.set_aside(self._of.run, line.patient, why)
        self.aside.add(line.patient)
        self.applied.stopped = self.applied.stopped or self.failures.one_more(why)


def _wanted(line: Line) -> int:
    """How many resources a line writes on the highest rung; a removal is never taken for done."""
    if line.action == "remove" or line.replaced:
        return sys.maxsize
    return bool(line.observation) + bool(line.provenance) + bool(line.extension)
