"""In: Encounter resources. Out: visits: what counts as one, of which class, when, where, and with whom."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from .instants import instant, local_day
from .references import Json, codings, labelled_sensitive, name, target

V3_CLASS = {"http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://hl7.org/fhir/v3/ActCode"}
CLASSES = {
    **dict.fromkeys(("AMB", "VR", "HH"), "outpatient"),
    **dict.fromkeys(("EMER",), "emergency"),
    **dict.fromkeys(("IMP", "ACUTE", "NONAC"), "inpatient"),
}
OPEN = {"in-progress", "arrived", "triaged", "onleave"}


@dataclass(frozen=True)
class Visit:
    """One counted Encounter. An end before the start is not an end: None. `dated`: to the day; `timed`: to the hour."""

    id: str
    patient: str | None
    kind: str
    start: datetime
    day: date
    end: datetime | None
    open: bool
    part_of: str | None
    organisation: str | None
    clinician: str | None
    site: str | None
    dated: bool
    timed: bool
    acute: bool
    admitted_from: frozenset[str | None]
    discharged_to: frozenset[str | None]
    types: frozenset[tuple[str | None, str | None]]


def cancelled(encounters: Iterable[Json], zone: ZoneInfo) -> list[datetime]:
    """When the cancelled visits would have begun; sensitive ones, and those without a start, tell nothing."""
    called_off = (each for each in encounters if each["status"] == "cancelled" and not labelled_sensitive(each))
    return [instant(start, zone) for each in called_off if (start := each.get("period", {}).get("start"))]


def visits(encounters: Iterable[Json], roles: dict[str, str], zone: ZoneInfo) -> list[Visit]:
    """What counts: begun, with a start, and not sensitive. `roles` leads from PractitionerRole to Practitioner."""
    return [visit(encounter, roles, zone) for encounter in encounters if counts(encounter)]


def counts(encounter: Json) -> bool:
    """Finished or open, and dated; planned, cancelled, unknown, entered-in-error and sensitive ones are not visits."""
    begun = encounter["status"] in OPEN | {"finished"} and "start" in encounter.get("period", {})
    return begun and not labelled_sensitive(encounter)


def visit(encounter: Json, roles: dict[str, str], zone: ZoneInfo) -> Visit:
    """The visit that an Encounter tells of."""
    period = encounter["period"]
    start = instant(period["start"], zone)
    end = instant(period["end"], zone) if "end" in period else None
    hospitalization = encounter.get("hospitalization", {})
    return Visit(
        id=name(encounter),
        patient=target(encounter.get("subject")),
        kind=kind(encounter.get("class", {})),
        start=start,
        day=local_day(start, zone),
        end=end if end and end >= start else None,
        open=encounter["status"] in OPEN,
        part_of=target(encounter.get("partOf")),
        organisation=target(encounter.get("serviceProvider")),
        clinician=clinician(encounter.get("participant", []), roles),
        site=min(filter(None, (target(each.get("location")) for each in encounter.get("location", []))), default=None),
        dated=len(period["start"]) >= len("2026-01-01"),
        timed="T" in period["start"],
        acute=encounter.get("class", {}).get("code") == "ACUTE" and kind(encounter["class"]) == "inpatient",
        admitted_from=coded(hospitalization.get("admitSource")),
        discharged_to=coded(hospitalization.get("dischargeDisposition")),
        types=frozenset(codings(encounter.get("type", []))),
    )


def kind(coding: Json) -> str:
    """The class by v3-ActCode; an absent or local one is other, never guessed."""
    return CLASSES.get(coding.get("code", ""), "other") if coding.get("system") in V3_CLASS else "other"


def clinician(participants: list[Json], roles: dict[str, str]) -> str | None:
    """The primary performer, else the attender, else the first practitioner."""
    seen = [(codes(each), who) for each in participants if (who := practitioner(each, roles))]
    for wanted in ("PPRF", "ATND"):
        for given, who in seen:
            if wanted in given:
                return who
    return seen[0][1] if seen else None


def coded(concept: Json | None) -> frozenset[str | None]:
    """The codes of one CodeableConcept, of whatever system."""
    return frozenset(code for _, code in codings([concept or {}]))


def codes(participant: Json) -> set[str | None]:
    """The codes of a participant's types."""
    return {code for _, code in codings(participant.get("type", []))}


def practitioner(participant: Json, roles: dict[str, str]) -> str | None:
    """The Practitioner; a role that leads to none stands for itself; relatives and devices are no clinicians."""
    who = target(participant.get("individual"))
    return roles.get(who, who) if who and who.startswith(("Practitioner/", "PractitionerRole/")) else None
