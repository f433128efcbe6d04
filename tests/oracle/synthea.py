"""In: raw FHIR R4 NDJSON (Synthea's, or any), a moment and a time zone. Out: each person's measures at that moment."""

import gzip
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from .charges import bills, called_off, charged, in_force
from .contacts import Stay, contact_days, emergency_contacts, stays
from .instants import WINDOWS, instant, local_day, midnight, window_start
from .payments import Explanation, explanations, known, refused
from .people import Person, people
from .references import Json, labelled_sensitive, name, target
from .visits import Visit, cancelled, visits
from .year import Basis, Value, says_acuity, share, year

Resources = Mapping[str, list[Json]]
Codings = Collection[tuple[str, str]]
Starts = Mapping[str, datetime]

SNOMED = "http://snomed.info/sct"
# Well child visit; general examination of patient.
PREVENTIVE: Codings = frozenset({(SNOMED, "410620009"), (SNOMED, "162673000")})


@dataclass(frozen=True)
class Answer:
    """One person's measures by code; None is unknown (last-preventive-visit: never), {} no amount in any currency.

    `bases`: (numerator, denominator) of those that tell them; None in it: not told. `modes`: whom, where or when.
    """

    deceased: bool
    measures: dict[str, Value]
    bases: dict[str, Basis]
    modes: dict[str, str | None]


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
    explained: dict[str | None, Explanation] | None
    says_acuity: bool
    shows_cancelled: bool


def source_of(resources: Resources, zone: ZoneInfo) -> Source:
    """Raw resources as a source."""
    sensitive = frozenset(name(each) for each in resources["Encounter"] if labelled_sensitive(each))
    roles = {name(each): who for each in resources.get("PractitionerRole", []) if (who := target(each["practitioner"]))}
    eobs = resources.get("ExplanationOfBenefit")
    return Source(
        zone,
        encounters=by_reference(resources["Encounter"], "subject"),
        claims=by_reference(resources["Claim"], "patient") if "Claim" in resources else None,
        roles=roles,
        sensitive=sensitive,
        explained=explanations(eobs, sensitive, zone) if eobs is not None else None,
        says_acuity=says_acuity(visits(resources["Encounter"], roles, zone)),
        shows_cancelled=bool(cancelled(resources["Encounter"], zone)),
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
    ours = [each for each in own if not (each.kind == "inpatient" and not_admitted(each, admissions))]
    told = year(ours, admissions, starts["p1y"], end, source.zone, called_off_visits(person, source, end))
    measures: dict[str, Value] = {
        **counts(own, admissions, starts),
        **days(own, admissions, starts, end, source.zone, person),
        "last-preventive-visit": last_preventive(own, preventive),
        **told.measures,
    }
    bases, modes = dict(told.bases), dict(told.modes)
    money, refusals = spend(person, source, starts, end)
    attached = source.roles.get(person.looked_after_by or "", person.looked_after_by)
    modes["attachment-p1y"] = attached or modes["usual-clinician-p1y"]
    bases["claims-refused-p1y"] = refusals
    if not source.says_acuity and measures["stays-p1y"]:
        measures["acute-stays-p1y"] = None
    return Answer(person.deceased, {**measures, **money, "attachment-p1y": None}, bases, modes)


def not_admitted(visit: Visit, admissions: Collection[Stay]) -> bool:
    """Whether an inpatient visit is of no stay, as that of a birth is."""
    return all(visit.id not in each.visits for each in admissions)


def called_off_visits(person: Person, source: Source, end: datetime) -> list[datetime] | None:
    """When a person's cancelled visits would have begun; unknown where the source never shows any."""
    if not source.shows_cancelled:
        return None
    mine = [each for record in sorted(person.records) for each in source.encounters.get(record, [])]
    times = [each for each in cancelled(mine, source.zone) if each < end]
    return [each for each in times if not (person.death and each > person.death)]


def visits_of(person: Person, source: Source, end: datetime) -> list[Visit]:
    """A person's visits before the end, and none after death."""
    mine = [each for record in sorted(person.records) for each in source.encounters.get(record, [])]
    begun = [each for each in visits(mine, source.roles, source.zone) if each.start < end]
    return [each for each in begun if not (person.death and each.start > person.death)]


def counts(own: Collection[Visit], admissions: Collection[Stay], starts: Starts) -> dict[str, Value]:
    """Visits by class and window."""
    began = {
        "outpatient-visits": [each.start for each in own if each.kind == "outpatient"],
        "ed-visits": [each.start for each in emergency_contacts(own, admissions)],
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


def spend(person: Person, source: Source, starts: Starts, end: datetime) -> tuple[dict[str, Value], Basis]:
    """What was charged, allowed, paid and owed, and how many claims were refused; unknown where nothing exposes it."""
    mine = [each for record in sorted(person.records) for each in (source.claims or {}).get(record, [])]
    all_bills = bills(mine, source.sensitive, source.zone)
    counted = in_force(all_bills, end, person.death)
    since = {window: [each for each in counted if each.when and each.when >= start] for window, start in starts.items()}
    gone = [each for each in called_off(all_bills, end, person.death) if each.when and each.when >= starts["p1y"]]
    refusals = refused(since["p1y"], gone, source.explained or {})
    codes = [("patient-liability", window) for window in starts]
    codes += [(kind, "p1y") for kind in ("insurer-paid", "allowed-amount", "patient-paid")]
    found: dict[str, Value] = {
        f"billed-charges-{window}": charged(counted, start, end) for window, start in starts.items()
    }
    found["claims-p1y"] = len(since["p1y"])
    if source.claims is None:
        found = dict.fromkeys(found)
    unexposed = source.explained is None
    for kind, window in codes:
        found[f"{kind}-{window}"] = None if unexposed else known(kind, since[window], source.explained or {})
    found["claims-refused-p1y"] = share(refusals)
    return found, refusals


def last_preventive(own: Collection[Visit], preventive: Codings) -> date | None:
    """The local date of the last preventive visit."""
    return max((each.day for each in own if not each.types.isdisjoint(preventive)), default=None)
