"""A person in, every visit of theirs out in the order of time, before any of it is written as FHIR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from service.sandbox.population.directory import Clinician, Directory, Organization
from service.sandbox.population.draw import Weighted, lognormal, within
from service.sandbox.population.people import Person

# What leads to a visit. `admission` is a planned one; many stays begin in `EMER` instead.
_OCCASIONS = Weighted(
    {"AMB": 0.70, "VR": 0.10, "HH": 0.05, "EMER": 0.08, "admission": 0.025, "OBSENC": 0.015, "local": 0.01}
)
_STATUSES = Weighted(
    {
        "finished": 0.945,
        "cancelled": 0.03,
        "entered-in-error": 0.008,
        "unknown": 0.007,
        "arrived": 0.004,
        "triaged": 0.003,
        "onleave": 0.003,
    }
)
_DISPOSITIONS = Weighted({"home": 0.87, "other-hcf": 0.08, "aadvice": 0.02, "": 0.03})
_STAFFING = Weighted({"one": 0.8, "several": 0.1, "role": 0.03, "unnamed": 0.02, "nobody": 0.05})
_SECURITY = Weighted({"": 0.978, "R": 0.02, "V": 0.002})
_DURATIONS = {"AMB": (25, 0.5), "VR": (15, 0.4), "HH": (50, 0.4), "EMER": (210, 0.6), "OBSENC": (900, 0.4)}
_OFFICE_DAY = (8, 17)


@dataclass(slots=True)
class Visit:
    """One contact of a patient with care; no `end` means that it is still open, or that nobody wrote it down."""

    kind: str  # a key of codes.CLASSES
    start: datetime
    end: datetime | None
    organization: Organization
    clinician: Clinician
    status: str = "finished"
    id: str = ""
    subject: str = ""
    staffing: str = "one"
    security: str = ""
    preventive: str = ""  # "adult" or "child"
    precision: int = 0  # characters of the date that were recorded; 0: all, with the time
    follow_up: bool = False
    admitted_from: str = ""
    disposition: str = ""
    within: Visit | None = field(default=None, repr=False)
    updated: datetime = datetime.min


def visits_of(rng: Random, person: Person, directory: Directory) -> list[Visit]:
    """Sorted by start, with ids that follow that order."""
    visits = [visit for visit in _drawn(rng, person, directory) if person.first <= visit.start < person.last]
    visits += _ahead(rng, person, directory)
    visits.sort(key=lambda visit: visit.start)
    for number, visit in enumerate(visits, start=1):
        visit.id = f"enc-{person.number:06}-{number:04}"
        visit.subject = person.subject_at(visit.start)
        _close(rng, visit, person, directory.as_of)
    return visits


def _drawn(rng: Random, person: Person, directory: Directory) -> Iterator[Visit]:
    if person.newborn:
        yield _birth(rng, person, directory)
    yield from _prevention(rng, person)
    years = (person.last - person.first) / timedelta(days=365)
    for _ in range(int(person.visits_a_year * years + rng.random())):
        yield from _occasion(rng, person, directory)
    if person.died and rng.random() < 0.5:
        yield from _last_stay(rng, person, directory)
    elif rng.random() < 0.015:
        yield _stay(rng, person.home, directory, person.last - timedelta(hours=30 + 90 * rng.random()), days=20)


def _occasion(rng: Random, person: Person, directory: Directory) -> Iterator[Visit]:
    kind = _OCCASIONS.pick(rng)
    moment = within(rng, person.first, person.last)
    if kind == "EMER":
        yield from _emergency(rng, _hospital(rng, person), directory, moment)
    elif kind == "admission":
        yield from _admission(rng, _hospital(rng, person), directory, moment)
    else:
        yield _appointment(rng, person, kind, moment)


def _appointment(rng: Random, person: Person, kind: str, moment: datetime) -> Visit:
    """In office hours, with the usual clinician or another of the person's circle."""
    start = moment.replace(hour=rng.randrange(*_OFFICE_DAY), minute=5 * int(12 * rng.random()))
    who = person.usual if rng.random() < person.loyalty else person.circle[int(rng.random() * len(person.circle))]
    end = start + _duration(rng, kind)
    precision = (4, 7, 10)[int(3 * rng.random())] if rng.random() < 0.015 else 0
    visit = Visit(kind, start, end, who.organization, who, _STATUSES.pick(rng), precision=precision)
    visit.staffing, visit.security = _STAFFING.pick(rng), _SECURITY.pick(rng)
    visit.follow_up = rng.random() < 0.6
    return visit


def _duration(rng: Random, kind: str) -> timedelta:
    median, spread = _DURATIONS.get(kind, (60, 0.3))
    return timedelta(minutes=int(lognormal(rng, median, spread, 5, 20 * 60)))


def _prevention(rng: Random, person: Person) -> Iterator[Visit]:
    """Once a year or so, for those who come."""
    moment = person.first + timedelta(days=365 * rng.random())
    while person.attends_prevention and moment < person.last:
        visit = _appointment(rng, person, "AMB", moment)
        visit.preventive = "child" if moment - person.born < timedelta(days=18 * 365) else "adult"
        yield visit
        moment += timedelta(days=330 + 120 * rng.random())


def _emergency(rng: Random, where: Organization, directory: Directory, moment: datetime) -> Iterator[Visit]:
    end, clinician = moment + _duration(rng, "EMER"), _on_duty(rng, where, directory)
    visit = _staffed(rng, Visit("EMER", moment, end, where, clinician))
    yield visit
    if visit.status == "finished" and rng.random() < 0.25:
        wait = timedelta(minutes=int(20 * 60 * rng.random() ** 2))
        yield from _admission(rng, where, directory, end + wait, emergency=visit)


def _admission(
    rng: Random, where: Organization, directory: Directory, moment: datetime, emergency: Visit | None = None
) -> Iterator[Visit]:
    """A stay, perhaps with intensive care inside it, overlapped by a second, or followed by a return within a month."""
    stay = _stay(rng, where, directory, moment)
    if emergency:
        stay.admitted_from = "emd" if rng.random() < 0.8 else ""
        emergency.within = stay if rng.random() < 0.3 else None
    yield stay
    assert stay.end is not None
    if rng.random() < 0.2 and stay.end - stay.start > timedelta(days=1):
        yield _intensive_care(rng, stay, directory)
    if rng.random() < 0.06:
        yield _stay(rng, where, directory, stay.end - (stay.end - stay.start) * rng.random())
    if rng.random() < 0.13:
        yield _stay(rng, where, directory, stay.end + timedelta(hours=int(24 * 32 * rng.random())))


def _stay(rng: Random, where: Organization, directory: Directory, moment: datetime, days: float = 3) -> Visit:
    end = moment + timedelta(minutes=int(24 * 60 * lognormal(rng, days, 0.8, 0.4, 75)))
    kind = "ACUTE" if rng.random() < 0.15 else "IMP"
    visit = _staffed(rng, Visit(kind, moment, end, where, _on_duty(rng, where, directory)))
    visit.disposition = _DISPOSITIONS.pick(rng)
    return visit


def _intensive_care(rng: Random, stay: Visit, directory: Directory) -> Visit:
    assert stay.end is not None
    length = stay.end - stay.start
    start = stay.start + length * 0.1
    end = start + length * (0.1 + 0.6 * rng.random())
    where = stay.organization
    return Visit("ACUTE", _minute(start), _minute(end), where, _on_duty(rng, where, directory), within=stay)


def _birth(rng: Random, person: Person, directory: Directory) -> Visit:
    stay = _stay(rng, person.home, directory, person.born, days=2)
    stay.admitted_from, stay.status = "born", "finished"
    return stay


def _last_stay(rng: Random, person: Person, directory: Directory) -> Iterator[Visit]:
    assert person.died is not None
    stay = _stay(rng, person.home, directory, person.died - timedelta(hours=int(10 + 200 * rng.random())), days=30)
    stay.end, stay.disposition, stay.status = person.died, "exp", "finished"
    yield stay


def _ahead(rng: Random, person: Person, directory: Directory) -> Iterator[Visit]:
    """What is planned after the population's day."""
    if not person.died and rng.random() < 0.12:
        moment = within(rng, directory.as_of, directory.as_of + timedelta(days=60))
        visit = _appointment(rng, person, "AMB", moment)
        visit.status, visit.precision = "planned", 0
        yield visit


def _staffed(rng: Random, visit: Visit) -> Visit:
    visit.status, visit.staffing, visit.security = _STATUSES.pick(rng), _STAFFING.pick(rng), _SECURITY.pick(rng)
    return visit


def _hospital(rng: Random, person: Person) -> Organization:
    return person.home if rng.random() < 0.8 else person.circle[0].organization


def _on_duty(rng: Random, where: Organization, directory: Directory) -> Clinician:
    clinicians = directory.at(where)
    return clinicians[int(rng.random() * len(clinicians))]


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _close(rng: Random, visit: Visit, person: Person, as_of: datetime) -> None:
    """Nothing is known after the population's day, nor after a death: what has not ended is open, or ends there."""
    if visit.end and person.died and visit.end > person.died:
        visit.end = person.died
    if visit.end and visit.end > as_of and visit.status != "planned":
        visit.end = None
        visit.disposition = ""
        visit.status = "in-progress" if visit.status == "finished" else visit.status
    if visit.within and visit.within.start >= person.last:
        visit.within = None
    known = (visit.end or visit.start) + timedelta(minutes=int(36 * 60 * rng.random()))
    visit.updated = min(known, as_of - timedelta(minutes=1 + int(600 * rng.random())))
