"""Composed profiles and what stands on the server in, a plan file out: what would be written, and why. Reads only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.catalog import Run
from service.compose import Composed, Edition, compose, device, read_edition
from service.compose.content import Json, digest, encode, parse, personalization, same, value_of
from service.lake import Lake, committed_file, read_json
from service.server.client import FhirServer
from service.settings import WriteRung
from service.write_back.patient import Borne, borne, count_extensions
from service.write_back.plan_file import Before, DevicePlan, Header, Line, PatientChange, Writer, writing
from service.write_back.reasons import between, between_extensions, lapses, newly
from service.write_back.standing import Lines, Standing, head, panels, read

LISTED = 10


async def plan(
    server: FhirServer,
    lake: Lake,
    run: Run,
    *,
    rung: WriteRung,
    recorded: dt.datetime,
) -> dict[str, Any]:
    """The plan of this run's profiles, at `lake.plan(...)`.

    Returns `counts` of panels by action, `patients` whose Patient would be changed, `held` that are shown but left
    alone, and the first lines in words as `listed`.
    """
    profiles = lake.profiles(run.source, run.run)
    edition = read_edition(profiles, source_id=run.source, installation=run.installation, recorded=recorded)
    raw, target = lake.raw(run.source, run.run), lake.plan(run.source, run.run)
    complete = not read_json(raw / "manifest.json", "pull").get("limited")
    about: dict[str, Any] = read_json(profiles / "profiles.json", "derive")
    opted_out: frozenset[str] = frozenset(about.get("opted_out", ()))
    with Lines.spooled(target.parent) as standing, Lines.open(raw / "Patient.ndjson") as patients:
        await panels(server, run.installation, standing)
        header = _header(run, rung, edition, await read(server, f"Device/{edition.identity.device}"))
        with committed_file(target) as part, writing(part, header) as file:
            planner = Planner(edition, rung, standing, patients, file, opted_out)
            planner.all(compose(profiles, edition), complete)
    told = {"counts": header.counts, "patients": header.patients, "held": header.held}
    return {**told, "listed": planner.listed}


def _header(run: Run, rung: str, edition: Edition, stands: Standing | None) -> Header:
    return Header(
        run=run.run,
        source=run.source,
        base=run.base,
        installation=run.installation,
        as_of=edition.as_of.isoformat(),
        rung=rung,
        device=_device(device(edition), stands),
    )


def _device(wanted: Json, stands: Standing | None) -> DevicePlan:
    body = msgspec.Raw(encode(wanted))
    if stands is None:
        return DevicePlan(body, "create")
    before = Before(stands.version, msgspec.Raw(stands.body))
    return DevicePlan(body, "unchanged" if same(stands.content, wanted) else "update", before)


@dataclass
class Planner:
    edition: Edition
    rung: str
    standing: Lines
    patients: Lines
    file: Writer
    opted_out: frozenset[str] = frozenset()
    listed: list[str] = field(default_factory=list)

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

    def _write(self, line: Line) -> None:
        self.file.write(line)
        if len(self.listed) < LISTED and not line.quiet:
            self.listed.append(f"{line.patient} {line.action}: {'; '.join(line.reasons + line.held)}")

    def _line(self, composed: Composed) -> Line:
        line = self._panel(composed)
        if self.rung == "patient":
            self._patient(composed, line)
        return line

    def _panel(self, composed: Composed) -> Line:
        body = self.standing.get(composed.panel["id"])
        if body is None:
            return self._writing(Line(composed.patient, "create", [newly(composed.panel)]), composed, provenance=True)
        stands = parse(body)
        before = Before(head(body).meta.versionId, msgspec.Raw(body))
        if digest(stands) != composed.content:
            line = Line(composed.patient, "update", between(stands, composed.panel), before=before)
            return self._writing(line, composed, provenance=True)
        if lapse := lapses(personalization(stands), self.edition.as_of):
            # The content is one that has its Provenance already.
            return self._writing(Line(composed.patient, "update", [lapse], before=before), composed, provenance=False)
        return Line(composed.patient, "unchanged")

    def _writing(self, line: Line, composed: Composed, *, provenance: bool) -> Line:
        line.observation = msgspec.Raw(encode(composed.panel))
        if provenance:
            line.provenance = msgspec.Raw(encode(composed.provenance))
        return line

    def _patient(self, composed: Composed, line: Line) -> None:
        """What the Patient shall bear, where that differs from what it bears in the version pulled."""
        pulled = self.patients.get(composed.patient.removeprefix("Patient/"))
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
        pulled = self.patients.get(line.patient.removeprefix("Patient/"))
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
        pulled = self.patients.get(patient.removeprefix("Patient/"))
        if pulled is None:
            return "its Patient is no longer on the server"
        links: list[Mapping[str, Any]] = parse(pulled).get("link", [])
        for link in links:
            if link.get("type") == "replaced-by":
                return f"merged into {link.get('other', {}).get('reference')}"
        return "its Patient has no profile any more"


def _change(pulled: bytes, bears: Borne | None, wanted: Json | None) -> PatientChange:
    at = bears.at if bears else count_extensions(pulled)
    after = Borne(at, msgspec.Raw(encode(wanted))) if wanted else None
    return PatientChange(str(head(pulled).meta.versionId), bears, after)


def panel_of(extension: Json) -> str | None:
    """The id of the panel that a Patient's extension points at."""
    reference = (value_of(extension, "profile") or {}).get("reference", "")
    return str(reference).rpartition("Observation/")[2] or None
