"""A line of a plan in, the same line out when all it would write is ours; anything else refuses the plan.

A plan file lies on a disk, and what it says is sent with the right to write: so it can create or replace only what
this installation names by itself, about the patient of the line.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.compose import Identity
from service.compose.canonical import INSTALLATION, PATIENT_PERSONALIZATION
from service.compose.content import Json, digest, parse
from service.errors import WriteRefused
from service.write_back.patient import Borne, panel_of
from service.write_back.plan_file import Before, DevicePlan, Line
from service.write_back.standing import head


def _foreign(what: str) -> WriteRefused:
    return WriteRefused(f"the plan holds what is not this installation's own: {what}", do="plan again")


@dataclass(frozen=True)
class Own:
    """What one installation may write on one source."""

    identity: Identity

    def device(self, plan: DevicePlan) -> DevicePlan:
        self._ours(parse(bytes(plan.resource)), "Device", self.identity.device)
        self._replaces(plan.before, self.identity.device)
        return plan

    def line(self, line: Line) -> Line:
        panel_id = self.identity.panel(line.patient)
        if line.observation:
            panel = parse(bytes(line.observation))
            self._ours(panel, "Observation", panel_id)
            self._about(panel, line.patient)
            if line.provenance:
                self._provenance(parse(bytes(line.provenance)), line.patient, panel)
        elif line.provenance:
            raise _foreign("a Provenance without its panel")
        self._replaces(line.before, panel_id)
        if line.extension:
            self._extension(line.extension.after, panel_id)
            self._extension(line.extension.before, None)
        return line

    def _provenance(self, provenance: Json, patient: str, panel: Json) -> None:
        self._ours(provenance, "Provenance", self.identity.provenance(patient, digest(panel)))
        if [target.get("reference") for target in provenance.get("target", [])] != [f"Observation/{panel['id']}"]:
            raise _foreign("a Provenance of something else")

    def _ours(self, resource: Json, resource_type: str, resource_id: str) -> None:
        named = (resource.get("resourceType"), resource.get("id"))
        if named != (resource_type, resource_id):
            raise _foreign(f"a {named[0]} of another name")
        tags = resource.get("meta", {}).get("tag", [])
        if not any((tag.get("system"), tag.get("code")) == (INSTALLATION, self.identity.installation) for tag in tags):
            raise _foreign(f"a {resource_type} without its tag")

    def _about(self, panel: Json, patient: str) -> None:
        if panel.get("subject", {}).get("reference") != patient:
            raise _foreign("a panel about another patient")

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
