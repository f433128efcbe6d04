"""One composed profile after the other and what stands in, the lines of a plan out; nothing else is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

import msgspec

from service.compose import Composed, Edition
from service.compose.content import Json, encode, same
from service.compose.shapes import as_panel, lowered, says
from service.compose.unmoved import Kept, keep
from service.server.crew import each
from service.settings import WriteRung
from service.write_back.gone import Evidence, Gone
from service.write_back.meant import Meaning
from service.write_back.patching import patchable
from service.write_back.patient import Borne, borne, count_extensions, panel_of
from service.write_back.plan_file import Before, Line, PatientChange, Writer
from service.write_back.reasons import between, between_extensions, lapsed, lapses, level_of, newly
from service.write_back.record import Stood
from service.write_back.remembered import Remembered, newer, overtaken, panel_newer
from service.write_back.removal import WITHDRAWN, removals
from service.write_back.requests import Requests
from service.write_back.standing import Lines, Standing, head
from service.write_back.stood import Panels
from service.write_back.succession import Succession

LISTED = 10
REASONS = 4  # of each that is listed
AT_ONCE = 50


@dataclass
class Planner:
    """`older` counts Patients that bear a profile which this rung does not renew; `applied` are those whom this very
    run has written about, so that its pull is older than what they bear."""

    edition: Edition
    rung: WriteRung
    standing: Panels
    patients: Lines
    remembered: Remembered
    file: Writer
    requests: Requests
    evidence: Evidence
    succession: Succession
    applied: frozenset[str] = field(init=False)
    listed: list[str] = field(default_factory=list)
    older: int = 0
    kept: BinaryIO | None = None  # what was composed, for the next plan
    meaning: Meaning | None = None  # what would be written, for the next plan
    met: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.applied = self.remembered.patients_of(self.file.header.run)

    async def all(self, profiles: Iterator[Composed]) -> None:
        """Every profile; then the panels that no profile stands behind any more."""
        settled = (self._shaped(self.succession.settled(composed)) for composed in profiles)
        while some := list(islice(settled, AT_ONCE)):
            self.met |= {composed.panel["id"] for composed in some}
            await self.standing.fetch([composed.panel["id"] for composed in some if self._differs(composed)])
            await self.standing.fetch([seen.id for each in some if (seen := self.succession.replaced(each.patient))])
            for composed in some:
                self._write(self._line(composed))
                self._keep(composed)
        await self._removals(list(self._left_over()))

    def unmoved(self, found: Iterator[Kept]) -> None:
        """Who was composed to what stands already, and lapses not yet: they are not composed again."""
        for one in found:
            seen = self.standing.seen(self.edition.identity.panel(one.patient))
            if seen is None or seen.content != one.content or self._lapsed(seen) or not self._rests(one):
                continue
            self.met.add(seen.id)
            self.file.header.levels += _counts(seen)
            self._write(Line(one.patient, "unchanged"))
            if self.kept:
                keep(self.kept, one)

    def _rests(self, each: Kept) -> bool:
        """Whether its Patient needs no look."""
        if self.rung != "patient":
            self.older += self._bears_older(each.patient, each.wanted)
            return True
        pulled = self._pulled(each.patient)
        return pulled is not None and not self._patient_reasons(self._borne(each.patient, pulled), each.wanted)

    def _keep(self, composed: Composed) -> None:
        if self.kept:
            extension = encode(composed.extension).decode() if composed.extension else None
            keep(self.kept, Kept(composed.patient, composed.row, composed.content, extension))

    def _shaped(self, composed: Composed) -> Composed:
        """As this rung says it."""
        kind = self.standing.resource_type
        return (
            composed if kind == "Observation" else lowered(composed, kind, self.edition.identity, self.edition.release)
        )

    def _differs(self, composed: Composed) -> bool:
        """Whether what stands has to be looked at, for there is something to write."""
        seen = self.standing.seen(composed.panel["id"])
        return seen is not None and (seen.content != composed.content or bool(self._lapsed(seen)))

    def _lapsed(self, seen: Stood) -> str | None:
        return lapsed(seen.valid_until, self.edition.as_of)

    def notes(self) -> Iterator[str]:
        if self.older:
            yield f"{self.older:,} Patients bear an older profile; --write patient or undo changes that"
        yield from self.succession.notes()

    def _write(self, line: Line) -> None:
        line.requests = line.requests or self.requests.of(line)
        self.file.write(line)
        if len(self.listed) < LISTED and not line.quiet:
            said = "held" if line.action == "unchanged" and not line.extension else line.action
            self.listed.append(f"{line.patient} {said}: {'; '.join(_few(line.reasons) + line.held)}")

    def _line(self, composed: Composed) -> Line:
        line = self._panel(composed)
        self._count_level(composed, line)
        if self.succession.on_trial:
            line.reasons = [*line.reasons, *self.succession.otherwise(composed)]
            return line
        if self.rung != "patient":
            self.older += self._bears_older(composed.patient, composed.extension)
        elif not line.held:
            self._patient(composed, line)
        if not line.held:
            self._replace(composed.patient, line)
        return line

    def _replace(self, patient: str, line: Line) -> None:
        other = self.succession.replaced(patient)
        body = self.standing.get(other.id) if other else None
        if other and body:
            line.reasons = [*line.reasons, "takes the place of the panel by another version of the algorithm"]
            line.replaced = Before(self.standing.version(other.id), msgspec.Raw(body))

    def _count_level(self, composed: Composed, line: Line) -> None:
        """How many levels stand, and how many of them this plan would change."""
        seen = self.succession.replaced(composed.patient) or self.standing.seen(composed.panel["id"])
        if seen is None or not _counts(seen):
            return
        self.file.header.levels += 1
        self.file.header.level_changes += line.action in ("create", "update") and seen.level != level_of(
            as_panel(composed.panel)
        )

    def _panel(self, composed: Composed) -> Line:
        seen = self.standing.seen(composed.panel["id"])
        if seen is None and composed.panel["status"] == "inactive":
            return Line(composed.patient, "unchanged")  # a Flag that flags nothing
        if seen is None:
            created = Line(composed.patient, "create", [newly(as_panel(composed.panel))])
            return self._writing(created, composed, provenance=True)
        if not self._differs(composed):
            return Line(composed.patient, "unchanged")
        body = self.standing.get(seen.id) or b""
        stands = Standing(seen.version, body)
        before = Before(seen.version, msgspec.Raw(body))
        if seen.content != composed.content:
            if why := self._panel_held(composed, stands):
                return Line(composed.patient, "unchanged", held=[f"{self.standing.resource_type}: {why}"])
            reasons = between(as_panel(stands.content), as_panel(composed.panel))
            line = Line(composed.patient, "update", reasons, before=before)
            return self._writing(line, composed, provenance=True)
        # The content is one that has its Provenance already.
        renewed = Line(composed.patient, "update", [str(self._lapsed(seen))], before=before)
        return self._writing(renewed, composed, provenance=False)

    def _panel_held(self, composed: Composed, stands: Standing) -> str | None:
        reference = f"{self.standing.resource_type}/{composed.panel['id']}"
        why = panel_newer(stands.content, self.edition.as_of)
        why = why or overtaken(says(stands.content), self.edition.framework)
        return why or self.remembered.panel_held(reference, stands)

    def _writing(self, line: Line, composed: Composed, *, provenance: bool) -> Line:
        line.observation = msgspec.Raw(encode(composed.panel))
        line.fingerprints = composed.fingerprints
        if self.meaning:
            self.meaning.add(composed, line.fingerprints[0])
        if provenance:
            line.provenance = msgspec.Raw(encode(composed.provenance))
            line.content = composed.content
        return line

    def _patient(self, composed: Composed, line: Line) -> None:
        """What the Patient shall bear, where that differs from what it bears in the version pulled."""
        pulled = self._pulled(composed.patient)
        if pulled is None:
            line.held = ["Patient: not among those pulled, so it is left alone"]
            return
        bears, wanted = self._borne(composed.patient, pulled), composed.extension
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
        content = bears.content if bears else None
        why = newer(content, self.edition.as_of) or overtaken(content, self.edition.framework)
        if why := why or self.remembered.extension_held(patient, bears):
            yield why

    def _bears_older(self, patient: str, wanted: Json | None) -> bool:
        pulled = self._pulled(patient)
        bears = self._borne(patient, pulled) if pulled else None
        if bears is None or not self._ours(bears, patient):
            return False
        return bool(self._patient_reasons(bears, wanted))

    def _ours(self, bears: Borne, patient: str) -> bool:
        """It points at a panel of this installation, be it one of another source's name or an older algorithm."""
        panel = panel_of(bears.content)
        return panel is None or panel == self.edition.identity.panel(patient) or panel in self.standing

    def _left_over(self) -> Iterator[Stood]:
        """Panels of this source by this algorithm; one that was withdrawn already is no panel any more."""
        for panel_id in [panel_id for panel_id in self.standing if panel_id not in self.met]:
            seen = self.standing.seen(panel_id)
            if seen and seen.status != WITHDRAWN and panel_id == self._named(seen.patient):
                yield seen

    def _named(self, patient: str) -> str:
        return self.edition.identity.standing_in(self.standing.resource_type, patient)

    async def _removals(self, left_over: list[Stood]) -> None:
        """A panel goes only where its patient is known to be gone; else it is shown and left where it stands."""
        known: dict[str, Gone] = {}

        async def ask(seen: Stood) -> None:
            known[seen.id] = await self.evidence.of(seen.patient)

        await each(iter(left_over), ask, workers=self.evidence.server.in_flight)
        for seen in left_over:
            if known[seen.id].kind or not self.evidence.limited:
                await self._removal(seen, known[seen.id])

    async def _removal(self, seen: Stood, gone: Gone) -> None:
        if not gone.kind:
            self._write(Line(seen.patient, "unchanged", held=[f"{self.standing.resource_type}: {gone.why}"]))
            return
        await self.standing.fetch([seen.id])
        body, version = self.standing.get(seen.id), self.standing.version(seen.id)
        if body is None:
            return
        if why := self.remembered.panel_held(f"{self.standing.resource_type}/{seen.id}", Standing(version, body)):
            self._write(Line(seen.patient, "unchanged", held=[f"{self.standing.resource_type}: {why}; {gone.why}"]))
            return
        line = Line(seen.patient, "remove", [gone.why], before=Before(version, msgspec.Raw(body)), gone=gone.kind)
        if self.rung == "patient":
            self._take_off(line)
        line.requests = [*self.requests.of(line), *await removals(self.evidence.server, line, self.edition.identity)]
        self._write(line)

    def _take_off(self, line: Line) -> None:
        """Who has no profile any more bears nothing of ours either."""
        pulled = self._pulled(line.patient)
        bears = self._borne(line.patient, pulled) if pulled else None
        if pulled is None or bears is None:
            return
        held = [f"Patient: {why}" for why in self._hands_off(pulled, bears, line.patient)]
        line.held += held
        if not held:
            line.reasons.append("Patient: taken off")
            line.extension = _change(pulled, bears, None)

    def _borne(self, patient: str, pulled: bytes) -> Borne | None:
        """As pulled, unless this run has been applied once: then it bears what that left."""
        if patient in self.applied:
            return self.remembered.left_by(self.file.header.run, patient, borne(pulled))
        return borne(pulled)

    def _pulled(self, patient: str) -> bytes | None:
        return self.patients.get(patient.removeprefix("Patient/"))


def _counts(seen: Stood) -> bool:
    """Whether a level stands there."""
    return seen.level is not None and seen.status != WITHDRAWN


def _few(reasons: list[str]) -> list[str]:
    """Level and pathways come first; one measure more or less is for who looks closer."""
    more = len(reasons) - REASONS
    return [*reasons[:REASONS], f"and {more} more (--diff)"] if more > 1 else reasons


def _change(pulled: bytes, bears: Borne | None, wanted: Json | None) -> PatientChange:
    at = bears.at if bears else count_extensions(pulled)
    after = Borne(at, msgspec.Raw(encode(wanted))) if wanted else None
    return PatientChange(str(head(pulled).meta.versionId), bears, after, whole=not patchable(pulled))
