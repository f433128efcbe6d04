"""In: raw FHIR R4 NDJSON (Synthea's, or any), a moment and a time zone. Out: each person's measures at that moment."""

import gzip
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

from .charges import bills, charged, in_force
from .contacts import Stay, contact_days, emergency_contacts, stays
from .continuity import clinician_days, coc, upc
from .instants import WINDOWS, instant, local_day, midnight, window_start
from .people import Person, people
from .references import Json, labelled_sensitive, name, target
from .visits import Visit, visits

Resources = Mapping[str, list[Json]]
Value = int | date | Fraction | dict[str, Decimal] | None
Codings = Collection[tuple[str, str]]
Starts = Mapping[str, datetime]

SNOMED = "http://snomed.info/sct"
# Well child visit; general examination of patient.
PREVENTIVE: Codings = frozenset({(SNOMED, "410620009"), (SNOMED, "162673000")})


@dataclass(frozen=True)
class Answer:
    """One person's measures by code; None is unknown (last-preventive-visit: never), {} no amount in any currency."""

    deceased: bool
    measures: dict[str, Value]


def read(folder: Path) -> dict[str, list[Json]]:
    """The resources of a folder of NDJSON, plain or gzipped, by type; decimals as they are written."""
    return {path.name.split(".")[0]: read_file(path) for path in sorted(folder.glob("*.ndjson*"))}


def read_file(path: Path) -> list[Json]:
    """One file's resources."""
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
    return [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line.strip()]


def answers(resources: Resources, as_of: str, zone: str, preventive: Codings = PREVENTIVE) -> dict[str, Answer]:
    """The measures of every surviving patient, keyed "Patient/id". `as_of`: a FHIR date or dateTime."""
    source = source_of(resources, ZoneInfo(zone))
    end = instant(as_of, source.zone)
    return {each.id: answer(each, source, end, preventive) for each in people(resources["Patient"], source.zone)}


def latest_as_of(resources: Resources, zone: str, server_date: str) -> str:
    """The first local midnight after the latest visit's start that is not later than the server's Date."""
    here = ZoneInfo(zone)
    begun = [each.start for each in visits(resources["Encounter"], {}, here)]
    latest = max(start for start in begun if start <= instant(server_date, here))
    return midnight(local_day(latest, here) + timedelta(days=1), here).astimezone(here).isoformat()


@dataclass(frozen=True)
class Source:
    """What a source holds, ready to look up by patient record; `claims` None: it exposes none."""

    zone: ZoneInfo
    encounters: dict[str | None, list[Json]]
    claims: dict[str | None, list[Json]] | None
    roles: dict[str, str]
    sensitive: frozenset[str]


def source_of(resources: Resources, zone: ZoneInfo) -> Source:
    """Raw resources as a source."""
    roles = resources.get("PractitionerRole", [])
    return Source(
        zone,
        encounters=by_reference(resources["Encounter"], "subject"),
        claims=by_reference(resources["Claim"], "patient") if "Claim" in resources else None,
        roles={name(role): who for role in roles if (who := target(role.get("practitioner")))},
        sensitive=frozenset(name(each) for each in resources["Encounter"] if labelled_sensitive(each)),
    )


def by_reference(resources: Iterable[Json], element: str) -> dict[str | None, list[Json]]:
    """The resources by what they refer to in an element."""
    found: dict[str | None, list[Json]] = {}
    for resource in resources:
        found.setdefault(target(resource.get(element)), []).append(resource)
    return found


def answer(person: Person, source: Source, end: datetime, preventive: Codings) -> Answer:
    """One person's measures."""
    own = visits_of(person, source, end)
    admissions = stays(own, person.births, min(end, person.death or end))
    starts = {window: window_start(end, window, source.zone) for window in WINDOWS}
    measures: dict[str, Value] = {
        **counts(own, admissions, starts),
        **days(own, admissions, starts, end, source.zone, person),
        **charges(person, source, starts, end),
        "last-preventive-visit": last_preventive(own, preventive),
        **relationship(own, starts["p1y"]),
    }
    return Answer(person.deceased, measures)


def visits_of(person: Person, source: Source, end: datetime) -> list[Visit]:
    """A person's visits before the end, and none after death."""
    mine = [each for record in sorted(person.records) for each in source.encounters.get(record, [])]
    begun = [each for each in visits(mine, source.roles, source.zone) if each.start < end]
    return [each for each in begun if not (person.death and each.start > person.death)]


def counts(own: Collection[Visit], admissions: Collection[Stay], starts: Starts) -> dict[str, Value]:
    """Visits by class and window."""
    began = {
        "outpatient-visits": [each.start for each in own if each.kind == "outpatient"],
        "ed-visits": emergency_contacts(own, admissions),
        "stays": [each.start for each in admissions],
        "other-visits": [each.start for each in own if each.kind == "other"],
    }
    result: dict[str, Value] = {}
    for window, start in starts.items():
        inside = {code: sum(start <= each for each in times) for code, times in began.items()}
        result |= {f"{code}-{window}": count for code, count in inside.items()}
        result[f"visits-{window}"] = sum(inside.values())
    return result


def days(
    own: Collection[Visit], admissions: Collection[Stay], starts: Starts, end: datetime, zone: ZoneInfo, person: Person
) -> dict[str, Value]:
    """Contact-days of the month and the year; the day of death is the last."""
    found = {window: contact_days(own, admissions, starts[window], end, zone) for window in ("p1m", "p1y")}
    last = local_day(person.death, zone) if person.death else date.max
    return {f"contact-days-{window}": sum(day <= last for day in dates) for window, dates in found.items()}


def charges(person: Person, source: Source, starts: Starts, end: datetime) -> dict[str, Value]:
    """Billed charges by window; unknown where the source exposes no Claims at all."""
    if source.claims is None:
        return {f"billed-charges-{window}": None for window in starts}
    mine = [each for record in sorted(person.records) for each in source.claims.get(record, [])]
    counted = in_force(bills(mine, source.sensitive, source.zone), end, person.death)
    return {f"billed-charges-{window}": charged(counted, start, end) for window, start in starts.items()}


def last_preventive(own: Collection[Visit], preventive: Codings) -> date | None:
    """The local date of the last preventive visit."""
    return max((each.day for each in own if not each.types.isdisjoint(preventive)), default=None)


def relationship(own: Collection[Visit], start: datetime) -> dict[str, Value]:
    """UPC and COC of the outpatient visits since the start."""
    clinicians = clinician_days([each for each in own if each.kind == "outpatient" and each.start >= start])
    return {"upc-p1y": upc(clinicians), "coc-p1y": coc(clinicians)}
