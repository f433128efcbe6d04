"""A line of a plan and the rung in force in, the writes that carry it out, in the order of their references."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from service.compose import Composed
from service.compose.content import encode, parse
from service.compose.release import R4
from service.compose.shapes import lowered
from service.errors import LakeProblem, WriteRefused
from service.server.capability import Release
from service.write_back.ladder import Ladder
from service.write_back.own import Own
from service.write_back.patching import patch
from service.write_back.patient import bearing, encoded
from service.write_back.plan_file import Before, Line, PatientChange
from service.write_back.sending import Put
from service.write_back.standing import Lines


@dataclass(frozen=True)
class Puts:
    patients: Lines
    own: Own
    ladder: Ladder
    release: Release = R4
    _made: dict[str, tuple[tuple[str, bool], list[Put]]] = field(default_factory=dict)

    def ahead(self, line: Line) -> list[Put]:
        """Made before their turn, and kept for it."""
        puts = self.of(line)
        self._made[line.patient] = (self._state, puts)
        return puts

    def of(self, line: Line) -> list[Put]:
        made_for, puts = self._made.pop(line.patient, (None, []))
        return puts if made_for and made_for == self._state else self._of(line)

    @property
    def _state(self) -> tuple[str, bool]:
        return self.ladder.rung, self.ladder.provenance

    def _of(self, line: Line) -> list[Put]:
        line = self._as_taken(line)
        puts = []
        if line.observation:
            panel = self.own.panel(line.patient, self.ladder.stands_in)
            puts.append(put(panel, line.observation, line.before, line.fingerprints[0]))
        if line.provenance and self.ladder.provenance:
            provenance = self.own.provenance(line.patient, line.content)
            puts.append(put(provenance, line.provenance, None, line.fingerprints[1]))
        if line.extension and self.ladder.rung == "patient":
            puts.append(self._patient(line.patient, line.extension))
        return puts

    def _as_taken(self, line: Line) -> Line:
        """The line on the rung in force: a panel goes as what stands in for it, where it is not taken itself."""
        if not line.observation:
            return line
        planned, wanted = self.own.kind, self.ladder.stands_in
        if planned == wanted:
            return line
        if planned != "Observation":
            raise WriteRefused(f"this server takes no {planned}, which the plan is made of", do="plan again")
        provenance = parse(bytes(line.provenance)) if line.provenance else {}
        whole = Composed(line.patient, parse(bytes(line.observation)), provenance, None, "")
        other = lowered(whole, wanted, self.own.identity, self.release)
        return msgspec.structs.replace(
            line,
            before=None,  # what stands there of this kind the plan has not seen
            observation=msgspec.Raw(encode(other.panel)),
            provenance=msgspec.Raw(encode(other.provenance)) if provenance else line.provenance,
            content=other.content,
            fingerprints=other.fingerprints,
        )

    def _patient(self, patient: str, change: PatientChange) -> Put:
        """The Patient as pulled, with our extension alone changed."""
        pulled = self.patients.get(patient.removeprefix("Patient/"))
        if pulled is None:
            raise LakeProblem(
                "the plan names a Patient that its pull lacks",
                where="Patient.ndjson",
                do="run `personalize plan` again",
            )
        body = bearing(pulled, change.after)
        before, after = encoded(change.before), encoded(change.after)
        patched = None if change.whole else patch(pulled, change.after)
        return Put(patient, body, change.version, before, after, patched)


def put(reference: str, resource: msgspec.Raw, before: Before | None, fingerprint: str) -> Put:
    """A resource of ours, in place of what the plan saw there."""
    version, stood = (before.version, bytes(before.resource)) if before else (None, None)
    return Put(reference, bytes(resource), version, stood, after=fingerprint.encode())
