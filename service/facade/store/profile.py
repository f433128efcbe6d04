"""One composed profile in, the resources that are served of it out; nothing where it does not count.

A profile that waits for a person, or that a person declined, is not there: to serve it under any status would let it
be taken for the profile that counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from service.compose import Composed, Edition
from service.compose.canonical import OBSERVATION_VALUE, PATIENT_PERSONALIZATION
from service.compose.content import Json, encode
from service.compose.release import said_in
from service.compose.rows import ProfileRow
from service.shelves import Kept

Source = Callable[[str], bytes | None]  # an id of a Patient in, the line that was pulled out

_patient = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Shown:
    """How the profiles of one run are shown; `raw` None points at the source's Patient instead of repeating it."""

    run: str
    base: str
    edition: Edition
    raw: Source | None
    reason: Callable[[str], str]

    @property
    def span(self) -> dict[str, int]:
        edition = self.edition
        ends = {"opens": edition.year_before, "as_of": edition.as_of, "until": edition.valid_until}
        return {name: milliseconds(moment) for name, moment in ends.items()}


def milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def resources(row: ProfileRow, composed: Composed, shown: Shown, updated: int | None = None) -> Iterator[Kept]:
    """The panel, its Provenance and the Patient."""
    shared: dict[str, Any] = {"patient": row.patient, "run": shown.run, "updated": updated, **shown.span}
    counts = row.verdict.status == "final"
    if counts:
        panel, provenance = composed.panel, composed.provenance
        says: dict[str, Any] = {"status": str(panel["status"]), "level": row.level, "gist": gist(row, shown)}
        yield Kept("Observation", panel["id"], encode(panel), **shared, **says, pathways=tuple(row.pathways))
        target = f"Observation/{panel['id']}"
        yield Kept("Provenance", provenance["id"], encode(provenance), **shared, target=target)
    body = _person(row.patient, composed.extension if counts else None, shown)
    if body is not None:
        borne = tuple(_borne(composed.extension)) if counts else ()
        level = row.level if counts else None
        yield Kept("Patient", row.patient.removeprefix("Patient/"), body, **shared, level=level, pathways=borne)


def gist(row: ProfileRow, shown: Shown) -> bytes:
    """What a card says, so that none has to read the panel: codes of pathways, reasons in words."""
    reasons = list(dict.fromkeys(shown.reason(fired.code) for fired in row.rationale))
    told = {"level": row.level, "pathways": row.pathways, "reasons": reasons}
    return msgspec.json.encode({**told, "as_of": shown.edition.as_of.date()})


def _person(patient: str, extension: Json | None, shown: Shown) -> bytes | None:
    """None for one whom the pull that is told of does not hold any more."""
    identifier = patient.removeprefix("Patient/")
    if shown.raw is None:
        return _pointer(identifier, extension, shown)
    line = shown.raw(identifier)
    return bearing(line, extension) if line is not None else None


def _pointer(identifier: str, extension: Json | None, shown: Shown) -> bytes:
    """Where the rest of the Patient is, and that this is not all of it."""
    subsetted = {"system": OBSERVATION_VALUE, "code": "SUBSETTED", "display": "subsetted"}
    patient = {
        "resourceType": "Patient",
        "id": identifier,
        "meta": {"source": f"{shown.base}/Patient/{identifier}", "tag": [subsetted]},
        **({"extension": [extension]} if extension else {}),
    }
    return encode(said_in(shown.edition.release, patient))


def bearing(line: bytes, extension: Json | None) -> bytes:
    """The source's own bytes with our extension as it stands today, or without it; nothing else is touched."""
    fields = _patient.decode(line)
    held = msgspec.json.decode(fields["extension"], type=list[msgspec.Raw]) if "extension" in fields else []
    kept = [part for part in held if _url(part) != PATIENT_PERSONALIZATION]
    kept += [msgspec.Raw(encode(extension))] if extension else []
    rest = {name: value for name, value in fields.items() if name != "extension"}
    return msgspec.json.encode(rest | ({"extension": kept} if kept else {}))


def _url(extension: msgspec.Raw) -> str:
    return msgspec.json.decode(extension, type=_Extension).url


class _Extension(msgspec.Struct):
    url: str = ""


def _borne(extension: Json | None) -> Iterator[str]:
    """The pathways that the Patient bears, which are not all."""
    for part in (extension or {}).get("extension", ()):
        if part["url"] == "pathway":
            yield part["valueCodeableConcept"]["coding"][0]["code"]
