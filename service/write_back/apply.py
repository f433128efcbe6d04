"""A plan file in, its writes on the server out: the Device first, then one patient after the other, several in flight.

What cannot be written is set aside and counted. Twenty failures in a row end it: then it is not about patients.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from service.catalog import Catalog, Run
from service.compose import Identity
from service.compose.content import parse
from service.errors import LakeProblem, ServerBusy, ServerProblem, WriteRefused
from service.lake import Lake
from service.server.client import FhirServer
from service.server.crew import each
from service.server.egress import may_write, rung
from service.write_back.deliver import Delivery, SetAside
from service.write_back.own import Own
from service.write_back.patient import bearing, encoded
from service.write_back.plan_file import Before, DevicePlan, Header, Line, PatientChange, reading
from service.write_back.recover import recover, same_server
from service.write_back.remembered import Remembered
from service.write_back.sending import Put, Sender
from service.write_back.standing import Lines

FAILURES_IN_A_ROW = 20

log = structlog.get_logger(__name__)

Progress = Callable[[str, int], None]


def _silent(_what: str, _count: int) -> None:
    """For who does not watch."""


async def apply(
    run: Run, server: FhirServer, catalog: Catalog, lake: Lake, progress: Progress = _silent
) -> dict[str, Any]:
    """Carries out the plan of `run`; a second time it finds everything in place and writes nothing.

    Returns resources `written` by type, patients by `rung`, what was `set_aside`, how many patients stayed
    `unwritten` because it `stopped`, and the words why. WriteRefused: this address may not be written to, or not as
    far as the plan goes, or the plan is not the one that was made.
    """
    same_server(run, server)
    may_write(server.source, server.loopback, run.installation)
    with reading(lake.plan(run.source, run.run), catalog.plan_digest(run.run)) as (header, lines):
        _of_this_run(header, run)
        _as_far_as_allowed(header, server)
        if header.rung == "none" or not header.writes:
            return Applied().told()
        with Lines.open(lake.raw(run.source, run.run) / "Patient.ndjson") as patients:
            applier = await _applier(header, server, catalog, patients, progress)
            # Who is interrupted from here on needs the name to take it back.
            log.info("writing begins", run=run.run, undo=f"personalize undo {run.run}")
            catalog.applying(run.run)
            await applier.device(header.device)
            await each(lines, applier.patient, workers=server.in_flight)
            catalog.applied(run.run)
    return applier.applied.told()


def _of_this_run(header: Header, run: Run) -> None:
    planned = (header.run, header.source, header.base, header.installation)
    if planned != (run.run, run.source, run.base, run.installation):
        raise WriteRefused("the plan file is that of another run", where=run.run, do="plan again")


def _as_far_as_allowed(header: Header, server: FhirServer) -> None:
    """The settings may have changed since it was planned."""
    try:
        rung(server.source, server.loopback, header.rung)
    except WriteRefused as error:
        raise WriteRefused(
            f"the plan goes as far as {header.rung}, and the source's owner allows {server.source.write} by now",
            where=server.base,
            do="plan again",
        ) from error


async def _applier(
    header: Header, server: FhirServer, catalog: Catalog, patients: Lines, progress: Progress
) -> Applier:
    await recover(server, catalog, header.source)
    capability = (await server.metadata()).capability
    delivery = Delivery(
        Sender(server, capability.transactions, capability.quirks),
        catalog,
        header.run,
        dt.datetime.fromisoformat(header.as_of),
        Remembered(catalog, header.source, header.base),
    )
    own = Own(Identity.of(header.installation, header.source))
    return Applier(delivery, own, patients, frozenset(catalog.patients(header.run)), progress)


@dataclass
class Applied:
    """What came of it so far."""

    written: Counter[str] = field(default_factory=Counter)
    rung: Counter[str] = field(default_factory=Counter)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    unwritten: int = 0
    stopped: str | None = None

    def told(self) -> dict[str, Any]:
        return {
            "written": dict(self.written),
            "rung": dict(self.rung),
            "set_aside": self.set_aside,
            "unwritten": self.unwritten,
            "stopped": self.stopped,
        }


@dataclass
class Applier:
    """`before` are patients that this run has written about already, in an earlier apply."""

    delivery: Delivery
    own: Own
    patients: Lines
    before: frozenset[str]
    progress: Progress
    applied: Applied = field(default_factory=Applied)
    failures: int = 0

    async def device(self, device: DevicePlan) -> None:
        """Panels and Provenances name it, so without it nothing is written."""
        if self.own.device(device).action == "unchanged":
            return
        put = _put(f"Device/{parse(bytes(device.resource))['id']}", device.resource, device.before)
        try:
            wrote = await self.delivery.patient(None, [put], careful=bool(self.before))
        except SetAside as why:
            raise ServerProblem(
                f"it does not take our Device, so nothing was written: {why}",
                where=self.delivery.sender.server.base,
                do="ask its owner to allow Device, Observation and Provenance",
            ) from why
        self.applied.written.update(each.type for each in wrote)

    async def patient(self, line: Line) -> None:
        puts = self._puts(self.own.line(line))
        if not puts:
            return
        if self.applied.stopped:
            self.applied.unwritten += 1
            return
        try:
            wrote = await self.delivery.patient(line.patient, puts, careful=line.patient in self.before)
        except ServerBusy as busy:
            self.applied.unwritten += 1
            self.applied.stopped = busy.text
        except SetAside as why:
            self._failed(line.patient, str(why))
        else:
            self._wrote(wrote)
        self.progress("apply patients", 1)

    def _wrote(self, wrote: list[Put]) -> None:
        self.failures = 0
        types = [put.type for put in wrote]
        self.applied.written.update(types)
        if types:
            self.applied.rung["patient" if "Patient" in types else "observation"] += 1

    def _failed(self, patient: str, why: str) -> None:
        self.applied.set_aside.append({"where": patient, "why": why})
        self.failures += 1
        if self.failures == FAILURES_IN_A_ROW:
            self.applied.stopped = f"{self.failures} patients in a row could not be written; the last one: {why}"

    def _puts(self, line: Line) -> list[Put]:
        """In the order in which they refer to each other. What is planned for removal is left where it stands."""
        puts = []
        if line.observation:
            puts.append(_put(_reference(line.observation), line.observation, line.before))
        if line.provenance:
            puts.append(_put(_reference(line.provenance), line.provenance, None))
        if line.extension:
            puts.append(self._patient_put(line.patient, line.extension))
        return puts

    def _patient_put(self, patient: str, change: PatientChange) -> Put:
        """The Patient as pulled, with our extension alone changed."""
        pulled = self.patients.get(patient.removeprefix("Patient/"))
        if pulled is None:
            raise LakeProblem(
                "the plan names a Patient that its pull lacks",
                where="Patient.ndjson",
                do="run `personalize plan` again",
            )
        body = bearing(pulled, change.after)
        return Put(patient, body, change.version, encoded(change.before), encoded(change.after))


class _Identified(msgspec.Struct):
    resourceType: str
    id: str


_identified = msgspec.json.Decoder(_Identified)


def _reference(resource: msgspec.Raw) -> str:
    found = _identified.decode(resource)
    return f"{found.resourceType}/{found.id}"


def _put(reference: str, resource: msgspec.Raw, before: Before | None) -> Put:
    body = bytes(resource)
    return Put(
        reference, body, before.version if before else None, bytes(before.resource) if before else None, after=body
    )
