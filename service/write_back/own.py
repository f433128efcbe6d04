"""A line of a plan in, the same line out when all it would write is ours; anything else refuses the plan.

A plan file lies on a disk, and what it says is sent with the right to write: so it can create or replace only what
this installation names by itself, about the patient of the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from service.compose import Identity
from service.compose.canonical import PATIENT_PERSONALIZATION
from service.errors import WriteRefused
from service.write_back.ladder import STANDS_IN
from service.write_back.patient import Borne, panel_of
from service.write_back.plan_file import Before, DevicePlan, Line
from service.write_back.standing import Head, head, kind_of


class _Reference(msgspec.Struct):
    reference: str = ""


class _Resource(Head):
    resourceType: str = ""
    subject: _Reference = msgspec.field(default_factory=_Reference)
    target: list[_Reference] = msgspec.field(default_factory=list)


_resource = msgspec.json.Decoder(_Resource)


def _foreign(what: str) -> WriteRefused:
    return WriteRefused(f"the plan holds what is not this installation's own: {what}", do="plan again")


@dataclass(frozen=True)
class Own:
    """What one installation may write on one source; `kind` is what says a level, as the plan was made."""

    identity: Identity
    kind: str

    def panel(self, patient: str, kind: str) -> str:
        """`Type/id` of what says a patient's level where that is of this kind."""
        return f"{kind}/{self.identity.standing_in(kind, patient)}"

    def provenance(self, patient: str, content: str) -> str:
        """`Type/id` of what names a panel of this content."""
        return f"Provenance/{self.identity.provenance(patient, content)}"

    def device(self, plan: DevicePlan) -> str:
        """Its `Type/id`."""
        reference = f"Device/{self.identity.device}"
        self._ours(_resource.decode(plan.resource), reference)
        self._replaces(plan.before, reference)
        return reference

    def line(self, line: Line) -> Line:
        kind = self.kind if line.observation or not line.before else kind_of(line.before.resource)
        if kind not in STANDS_IN.values():
            raise _foreign(f"a {kind}")
        reference = self.panel(line.patient, kind)
        if line.observation:
            panel = _resource.decode(line.observation)
            self._ours(panel, reference)
            if panel.subject.reference != line.patient:
                raise _foreign("a panel about another patient")
            if line.provenance:
                self._provenance(line, reference)
        elif line.provenance:
            raise _foreign("a Provenance without its panel")
        self._replaces(line.before, reference)
        if line.replaced and head(bytes(line.replaced.resource)).id not in self._others(line.patient):
            raise _foreign("the removal of something else")
        if line.extension:
            self._extension(line.extension.after, reference)
            self._extension(line.extension.before, None)
        return line

    def _others(self, patient: str) -> set[str]:
        return {other.panel(patient) for other in self.identity.others()}

    def _provenance(self, line: Line, about: str) -> None:
        provenance = _resource.decode(line.provenance)
        self._ours(provenance, self.provenance(line.patient, line.content))
        if [target.reference for target in provenance.target] != [about]:
            raise _foreign("a Provenance of something else")

    def _ours(self, resource: _Resource, reference: str) -> None:
        if f"{resource.resourceType}/{resource.id}" != reference:
            raise _foreign(f"a {resource.resourceType} of another name")
        if not resource.bears(self.identity.installation):
            raise _foreign(f"a {resource.resourceType} without its tag")

    def _replaces(self, before: Before | None, reference: str) -> None:
        if before and head(bytes(before.resource)).id != reference.partition("/")[2]:
            raise _foreign("something else to go back to")

    def _extension(self, borne: Borne | None, panel: str | None) -> None:
        if borne is None:
            return
        if borne.content.get("url") != PATIENT_PERSONALIZATION:
            raise _foreign("another extension")
        if panel and panel_of(borne.content) != panel.partition("/")[2]:
            raise _foreign("an extension that points at another panel")
