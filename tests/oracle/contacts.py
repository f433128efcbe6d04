"""In: one person's visits. Out: their stays, their emergency contacts, and the days on which they had any contact."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .instants import MOMENT, local_day
from .references import groups
from .visits import Visit

LEAD_IN = timedelta(hours=24)


@dataclass(frozen=True)
class Stay:
    """Inpatient visits that are one admission, from the earliest start to the latest end."""

    visits: frozenset[str]
    start: datetime
    day: date
    end: datetime
    organisations: frozenset[str | None]


def stays(visits: Collection[Visit], births: Collection[date], horizon: datetime) -> list[Stay]:
    """Inpatient visits linked by partOf, or that overlap or touch, are one stay. To be born in a hospital is none."""
    inpatient = {visit.id: visit for visit in visits if visit.kind == "inpatient"}
    climbs = [(visit.id, above) for visit in inpatient.values() if (above := ancestor(visit, visits, inpatient))]
    linked = [stay([inpatient[each] for each in group], horizon) for group in groups(inpatient, climbs)]
    return [each for each in joined(linked) if each.day not in births]


def stay(visits: Collection[Visit], horizon: datetime) -> Stay:
    """The stay that some inpatient visits make; an open one lasts to the horizon."""
    start = min(visit.start for visit in visits)
    return Stay(
        visits=frozenset(visit.id for visit in visits),
        start=start,
        day=min(visit.day for visit in visits),
        end=max(visit.end or (horizon if visit.open else visit.start) for visit in visits),
        organisations=frozenset(visit.organisation for visit in visits if visit.start == start) - {None},
    )


def joined(spans: Collection[Stay]) -> list[Stay]:
    """The stays, those that overlap or touch made one, in order."""
    result: list[Stay] = []
    for span in sorted(spans, key=lambda each: each.start):
        if result and span.start <= result[-1].end:
            result[-1] = both(result[-1], span)
        else:
            result.append(span)
    return result


def both(first: Stay, second: Stay) -> Stay:
    """Two stays as one; the first does not start later."""
    at_start = first.organisations | (second.organisations if second.start == first.start else frozenset())
    return Stay(first.visits | second.visits, first.start, first.day, max(first.end, second.end), at_start)


def ancestor(visit: Visit, visits: Collection[Visit], wanted: Collection[str]) -> str | None:
    """The nearest of the wanted visits that this one is, by partOf, a part of; uncounted visits lead nowhere."""
    by_id = {each.id: each for each in visits}
    passed = {visit.id}
    above = visit.part_of
    while above in by_id and above not in passed:
        if above in wanted:
            return above
        passed.add(above)
        above = by_id[above].part_of
    return None


def emergency_contacts(visits: Collection[Visit], admissions: Collection[Stay]) -> list[Visit]:
    """The emergency contacts, each by its earliest visit. What began a stay, and what is part of it, is one contact."""
    emergency = [each for each in visits if each.kind == "emergency"]
    with_stay = [belonging(each, emergency, visits, admissions) for each in admissions]
    taken = {each.id for group in with_stay for each in group}
    firsts = [min(group, key=lambda each: (each.start, each.id)) for group in with_stay if group]
    return [each for each in emergency if each.id not in taken] + firsts


def belonging(
    admission: Stay, emergency: Collection[Visit], visits: Collection[Visit], admissions: Collection[Stay]
) -> list[Visit]:
    """The emergency visits of a stay: its parts, what overlaps it, and of what led to it only the latest."""
    inside = [each for each in emergency if stay_around(each, visits, admissions) == admission]
    outside = [each for each in emergency if not stay_around(each, visits, admissions)]
    led = [each for each in outside if stay_led_to(each, admissions) == admission]
    latest = max(led, key=lambda each: (each.end or each.start, each.start, each.id), default=None)
    return inside + ([latest] if latest else [])


def stay_around(visit: Visit, visits: Collection[Visit], admissions: Collection[Stay]) -> Stay | None:
    """The stay that an emergency visit is a part of, else overlaps."""
    end = visit.end or visit.start
    part = [each for each in admissions if ancestor(visit, visits, each.visits)]
    overlap = [each for each in admissions if visit.start <= each.end and end >= each.start]
    return next(iter([*part, *overlap]), None)


def stay_led_to(visit: Visit, admissions: Collection[Stay]) -> Stay | None:
    """The first stay at the same organisation that began within a day of an emergency visit's end."""
    end = visit.end or visit.start
    same_place = [each for each in admissions if visit.organisation in each.organisations]
    return next((each for each in same_place if end <= each.start <= end + LEAD_IN), None)


def contact_days(
    visits: Collection[Visit], admissions: Collection[Stay], start: datetime, end: datetime, zone: ZoneInfo
) -> set[date]:
    """The local dates in [start, end) with a visit that began then, and each date of a stay."""
    began = {visit.day for visit in visits if visit.kind != "inpatient" and start <= visit.start < end}
    return began.union(*(stay_days(each, start, end, zone) for each in admissions))


def stay_days(admission: Stay, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[date]:
    """The local dates of a stay, first and last included, as far as they lie in [start, end)."""
    first, last = max(admission.start, start), min(admission.end, end - MOMENT)
    if first <= last:
        day, last_day = local_day(first, zone), local_day(last, zone)
        yield from (day + timedelta(days=n) for n in range((last_day - day).days + 1))
