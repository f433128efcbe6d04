"""In: one person's visits, stays and cancelled visits. Out: the measures of one year, with what they rest on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from .admissions import acute, nights, readmitted
from .contacts import Stay, emergency_contacts
from .continuity import Seen, clinician_days, coc, days_with, fci, hhi, mmci, secon, upc, usual
from .habits import PARTS, WEEKDAYS, after_hours, part_of_day, regularity, rising, usual_of, weekday, weekends
from .instants import local_day
from .visits import Visit

Value = int | date | Decimal | Fraction | dict[str, Decimal] | None
Basis = tuple[int | None, int | None]
FREQUENT = 4
RECENT = timedelta(days=90)
ENOUGH = Fraction(80, 100)


@dataclass(frozen=True)
class Told:
    """Values, what they rest on, and modes, by code."""

    measures: dict[str, Value]
    bases: dict[str, Basis]
    modes: dict[str, str | None]


def year(
    own: Collection[Visit],
    admissions: Collection[Stay],
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    called_off: Collection[datetime] | None,
) -> Told:
    """All of them. `own`: every visit that counts, since ever; those of a birth are none."""
    since = [each for each in own if each.start >= start]
    outpatient = [each for each in since if each.kind == "outpatient"]
    contacts = emergency_contacts(own, admissions)
    emergency = [each for each in contacts if each.start >= start]
    others = [each.start for each in own if each.kind in {"outpatient", "other"}]
    began = [*others, *(each.start for each in contacts), *(each.start for each in admissions)]
    inside = [each for each in began if each >= start]
    bases = {
        "readmissions-30d": readmitted(admissions, own, start, end, zone),
        "cancelled-rate": cancelled_rate(called_off, inside, start),
        "ed-after-hours": after_hours(emergency, zone),
        "ed-weekend": weekends(emergency),
    }
    modes = habitual(outpatient, zone)
    bases |= {code: (often, among) for code, (_, often, among) in modes.items()}
    measures: dict[str, Value] = {code: share(basis) for code, basis in bases.items()}
    since_recent = (end.astimezone(zone) - RECENT).astimezone(end.tzinfo)
    recent = sum(each >= since_recent for each in inside)
    even, dates = regularity([local_day(each, zone) for each in inside])
    measures |= {
        "inpatient-days": nights(admissions, own, start, end, zone),
        "acute-stays": sum(acute(each, own, admissions) for each in admissions if each.start >= start),
        "ed-frequent": int(len(emergency) >= FREQUENT),
        "regularity": even,
        "rising-need": rising(recent, len(inside)),
        **breadth(since),
        **relationship(outpatient),
    }
    bases |= {
        "ed-frequent": (len(emergency), None),
        "regularity": (None, dates),
        "rising-need": (recent, len(inside)),
    }
    return Told(
        {f"{code}-p1y": value for code, value in measures.items()},
        {f"{code}-p1y": basis for code, basis in bases.items()},
        {f"{code}-p1y": mode for code, (mode, _, _) in modes.items()},
    )


def share(basis: Basis) -> Fraction | None:
    """Numerator / denominator; of none it is unknown."""
    numerator, denominator = basis
    return Fraction(numerator, denominator) if numerator is not None and denominator else None


def cancelled_rate(called_off: Collection[datetime] | None, inside: Collection[datetime], start: datetime) -> Basis:
    """Cancelled visits, and these with the visits."""
    if called_off is None:
        return None, None
    count = sum(each >= start for each in called_off)
    return count, count + len(inside)


def breadth(since: Collection[Visit]) -> dict[str, Value]:
    """How many clinicians, places, organisations and servers; unknown where too few of the visits say it."""
    return {
        "sites": distinct(since, lambda each: each.site),
        "clinicians": distinct(since, lambda each: each.clinician),
        "organizations": distinct(since, lambda each: each.organisation),
        "sources": int(bool(since)),
    }


def distinct(since: Collection[Visit], seen: Seen) -> int | None:
    """How many different ones."""
    known = [who for each in since if (who := seen(each))]
    if since and Fraction(len(known), len(since)) < ENOUGH:
        return None
    return len(set(known))


def relationship(outpatient: Collection[Visit]) -> dict[str, Value]:
    """The indices of continuity and fragmentation."""
    clinicians = days_with(outpatient, lambda each: each.clinician)
    counted = clinician_days(outpatient)
    return {
        "upc": upc(counted),
        "coc": coc(counted),
        "hhi": hhi(counted),
        "mmci": mmci(counted),
        "secon": secon(clinicians),
        "fci-clinician": fci(clinicians),
        "fci-site": fci(days_with(outpatient, lambda each: each.site)),
        "fci-organization": fci(days_with(outpatient, lambda each: each.organisation)),
    }


def habitual(outpatient: Collection[Visit], zone: ZoneInfo) -> dict[str, tuple[str | None, int | None, int | None]]:
    """With whom, where and when a patient usually comes."""
    return {
        "usual-clinician": usual(days_with(outpatient, lambda each: each.clinician)),
        "usual-site": usual(days_with(outpatient, lambda each: each.site)),
        "usual-weekday": usual_of(outpatient, weekday, WEEKDAYS),
        "usual-day-part": usual_of(outpatient, lambda each: part_of_day(each, zone), PARTS),
    }


def says_acuity(visits: Collection[Visit]) -> bool:
    """Whether a source ever tells by class, by admission source or by an emergency visit that a stay was acute."""
    inpatient = [each for each in visits if each.kind == "inpatient"]
    return any(each.kind == "emergency" for each in visits) or any(
        each.acute or each.admitted_from for each in inpatient
    )
