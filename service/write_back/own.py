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
from service.write_back.standing import Head, head


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
    """What one installation may write on one source."""

    identity: Identity

    def device(self, plan: DevicePlan) -> DevicePlan:
        self._ours(_resource.decode(plan.resource), "Device", self.identity.device)
        self._replaces(plan.before, self.identity.device)
        return plan

    def line(self, line: Line) -> Line:
        said = line.observation or (line.before.resource if line.before else None)
        panel = _resource.decode(said) if said else _Resource("", resourceType="Observation")
        kind = panel.resourceType
        if kind not in STANDS_IN.values():
            raise _foreign(f"a {kind}")
        panel_id = self.identity.standing_in(kind, line.patient)
        if line.observation:
            self._ours(panel, kind, panel_id)
            if panel.subject.reference != line.patient:
                raise _foreign("a panel about another patient")
            if line.provenance:
                self._provenance(line, f"{kind}/{panel_id}")
        elif line.provenance:
            raise _foreign("a Provenance without its panel")
        self._replaces(line.before, panel_id)
        if line.replaced and head(bytes(line.replaced.resource)).id not in self._others(line.patient):
            raise _foreign("the removal of something else")
        if line.extension:
            self._extension(line.extension.after, panel_id)
            self._extension(line.extension.before, None)
        return line

    def _others(self, patient: str) -> set[str]:
        return {other.panel(patient) for other in self.identity.others()}

    def _provenance(self, line: Line, about: str) -> None:
        provenance = _resource.decode(line.provenance)
        self._ours(provenance, "Provenance", self.identity.provenance(line.patient, line.content))
        if [target.reference for target in provenance.target] != [about]:
            raise _foreign("a Provenance of something else")

    def _ours(self, resource: _Resource, resource_type: str, resource_id: str) -> None:
        if (resource.resourceType, resource.id) != (resource_type, resource_id):
            raise _foreign(f"a {resource.resourceType} of another name")
        if not resource.bears(self.identity.installation):
            raise _foreign(f"a {resource_type} without its tag")

    def _replaces(self, before: Before | None, resource_id: str) -> None:
        if before and head(bytes(before.resource)).id != resource_id:
            raise _foreign("something else to go back to")

    def _extension(self, borne: Borne | None, panel_id: str | None) -> None:
        if borne is None:
            return
        if borne.content.get("url") != PATIENT_PERSONALIZATION:
            raise _foreign("another extension")
        if panel_id and panel_of(borne.content) != panel_id:
            raise _foreign("an extension that points at another panel")
