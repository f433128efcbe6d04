"""One composed profile after the other and what stands in, the lines of a plan out; no request is made here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.compose import Composed, Edition
from service.compose.content import Json, digest, encode, parse, personalization, same
from service.settings import WriteRung
from service.write_back.patient import Borne, borne, count_extensions, panel_of
from service.write_back.plan_file import Before, Line, PatientChange, Writer
from service.write_back.reasons import between, between_extensions, lapses, newly
from service.write_back.remembered import Remembered, newer, panel_newer
from service.write_back.standing import Lines, Standing, head

LISTED = 10


@dataclass
class Planner:
    """`older` counts Patients that bear a profile which this rung does not renew."""

    edition: Edition
    rung: WriteRung
    standing: Lines
    patients: Lines
    remembered: Remembered
    file: Writer
    opted_out: frozenset[str] = frozenset()
    listed: list[str] = field(default_factory=list)
    older: int = 0

    def all(self, profiles: Iterator[Composed], complete: bool) -> None:
        """Every profile; then the panels that no profile stands behind any more: those of patients who opted out, and
        the others where every patient was asked for."""
        met = set()
        for composed in profiles:
            met.add(composed.panel["id"])
            self._write(self._line(composed))
        for line in self._left_over(met):
            if complete or line.patient in self.opted_out:
                self._write(line)

    def notes(self) -> Iterator[str]:
        if self.rung == "none":
            yield "--write none: nothing was compared with the server, and nothing would be written"
        if self.older:
            yield f"{self.older:,} Patients bear an older profile; --write patient or undo changes that"

    def _write(self, line: Line) -> None:
        self.file.write(line)
        if len(self.listed) < LISTED and not line.quiet:
            said = "held" if line.action == "unchanged" and not line.extension else line.action
            self.listed.append(f"{line.patient} {said}: {'; '.join(line.reasons + line.held)}")

    def _line(self, composed: Composed) -> Line:
        line = self._panel(composed)
        if self.rung == "patient" and not line.held:
            self._patient(composed, line)
        elif self.rung == "observation":
            self.older += self._bears_older(composed)
        return line

    def _panel(self, composed: Composed) -> Line:
        body = self.standing.get(composed.panel["id"])
        if body is None:
            return self._writing(Line(composed.patient, "create", [newly(composed.panel)]), composed, provenance=True)
        stands = parse(body)
        before = Before(head(body).meta.versionId, msgspec.Raw(body))
        if digest(stands) != composed.content:
            if why := self._panel_held(composed, Standing(before.version, body)):
                return Line(composed.patient, "unchanged", held=[f"Observation: {why}"])
            line = Line(composed.patient, "update", between(stands, composed.panel), before=before)
            return self._writing(line, composed, provenance=True)
        if lapse := lapses(personalization(stands), self.edition.as_of):
            # The content is one that has its Provenance already.
            return self._writing(Line(composed.patient, "update", [lapse], before=before), composed, provenance=False)
        return Line(composed.patient, "unchanged")

    def _panel_held(self, composed: Composed, stands: Standing) -> str | None:
        reference = f"Observation/{composed.panel['id']}"
        return panel_newer(stands.content, self.edition.as_of) or self.remembered.panel_held(reference, stands)

    def _writing(self, line: Line, composed: Composed, *, provenance: bool) -> Line:
        line.observation = msgspec.Raw(encode(composed.panel))
        if provenance:
            line.provenance = msgspec.Raw(encode(composed.provenance))
        return line

    def _patient(self, composed: Composed, line: Line) -> None:
        """What the Patient shall bear, where that differs from what it bears in the version pulled."""
        pulled = self._pulled(composed.patient)
        if pulled is None:
            line.held = ["Patient: not among those pulled, so it is left alone"]
            return
        bears, wanted = borne(pulled), composed.extension
        reasons = self._patient_reasons(bears, wanted)
        if not reasons:
            return
        line.held = [f"Patient: {why}" for why in self._hands_off(pulled, bears, composed.patient)]
        if not line.held:
            line.reasons = [*line.reasons, *reasons]
            line.extension = _change(pulled, bears, wanted)

    def _patient_reasons(self, bears: Borne | None, wanted: Json | None) -> list[str]:
        present = bears.content if bears else None
        if not same(present, wanted):
            return between_extensions(present, wanted)
        lapse = lapses(present, self.edition.as_of) if present else None
        return [f"Patient: {lapse}"] if lapse else []

    def _hands_off(self, pulled: bytes, bears: Borne | None, patient: str) -> Iterator[str]:
        if head(pulled).meta.versionId is None:
            yield "the server names no version of it, so a change in between could be lost; it is left alone"
        if bears and not self._ours(bears, patient):
            yield "it bears the profile of another installation, which is left alone"
            return
        why = newer(bears.content if bears else None, self.edition.as_of)
        if why := why or self.remembered.extension_held(patient, bears):
            yield why

    def _bears_older(self, composed: Composed) -> bool:
        pulled = self._pulled(composed.patient)
        bears = borne(pulled) if pulled else None
        if bears is None or not self._ours(bears, composed.patient):
            return False
        return bool(self._patient_reasons(bears, composed.extension))

    def _ours(self, bears: Borne, patient: str) -> bool:
        """It points at a panel of this installation, be it one of another source's name or an older algorithm."""
        panel = panel_of(bears.content)
        return panel is None or panel == self.edition.identity.panel(patient) or panel in self.standing

    def _left_over(self, met: set[str]) -> Iterator[Line]:
        """Removing is never done by a run itself: these are counted and shown."""
        for panel_id in self.standing:
            body = self.standing.get(panel_id)
            if panel_id in met or body is None:
                continue
            patient = str(parse(body).get("subject", {}).get("reference"))
            if panel_id == self.edition.identity.panel(patient):
                before = Before(head(body).meta.versionId, msgspec.Raw(body))
                line = Line(patient, "remove", [self._why_gone(patient)], ["removing is left to a person"], before)
                if self.rung == "patient" and patient in self.opted_out:
                    self._take_off(line)
                yield line

    def _take_off(self, line: Line) -> None:
        """A Patient who opted out bears nothing of ours any more; that is an update, which a run may do."""
        pulled = self._pulled(line.patient)
        bears = borne(pulled) if pulled else None
        if pulled is None or bears is None:
            return
        held = [f"Patient: {why}" for why in self._hands_off(pulled, bears, line.patient)]
        line.held += held
        if not held:
            line.reasons.append("Patient: taken off")
            line.extension = _change(pulled, bears, None)

    def _why_gone(self, patient: str) -> str:
        if patient in self.opted_out:
            return "its patient opted out"
        pulled = self._pulled(patient)
        if pulled is None:
            return "its Patient is no longer on the server"
        links: list[Mapping[str, Any]] = parse(pulled).get("link", [])
        for link in links:
            if link.get("type") == "replaced-by":
                return f"merged into {link.get('other', {}).get('reference')}"
        return "its Patient has no profile any more"

    def _pulled(self, patient: str) -> bytes | None:
        return self.patients.get(patient.removeprefix("Patient/"))


def _change(pulled: bytes, bears: Borne | None, wanted: Json | None) -> PatientChange:
    at = bears.at if bears else count_extensions(pulled)
    after = Borne(at, msgspec.Raw(encode(wanted))) if wanted else None
    return PatientChange(str(head(pulled).meta.versionId), bears, after)
