"""In: one person's visits of a year. Out: when they usually come, how evenly, and how much more of late."""

from collections.abc import Collection
from datetime import date, datetime, time
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from .continuity import Seen, days_with
from .visits import Visit

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARTS = ("morning", "afternoon", "evening", "night")
OPENS, CLOSES, SATURDAY = time(8), time(18), 5
Mode = tuple[str | None, int | None, int | None]


def usual_of(visits: Collection[Visit], seen: Seen, order: tuple[str, ...]) -> Mode:
    """The most frequent one, among equals the first by `order`; how often; of how many. One a day each."""
    days = days_with(visits, seen)
    if not days:
        return None, None, None
    mode = max(order, key=days.count)
    return mode, days.count(mode), len(days)


def weekday(visit: Visit) -> str | None:
    """The day of the week on which it began, where it says its day."""
    return WEEKDAYS[visit.day.weekday()] if visit.dated else None


def part_of_day(visit: Visit, zone: ZoneInfo) -> str | None:
    """Morning to 12:00, afternoon to 17:00, evening to 22:00, then night, where it says its hour."""
    if not visit.timed:
        return None
    hour = visit.start.astimezone(zone).hour
    return PARTS[sum(hour >= bound for bound in (12, 17, 22))]


def regularity(dates: Collection[date]) -> tuple[Decimal | None, int | None]:
    """Standard deviation / mean of the days between dates, and how many dates; unknown with fewer than three."""
    gaps = [(later - earlier).days for earlier, later in pairwise(sorted(set(dates)))]
    if len(gaps) < 2:
        return None, None
    mean = Fraction(sum(gaps), len(gaps))
    squared = sum(((gap - mean) ** 2 for gap in gaps), Fraction(0)) / len(gaps) / mean**2
    with localcontext() as context:
        context.prec = 40
        return (Decimal(squared.numerator) / squared.denominator).sqrt(), len(gaps) + 1


def rising(recent: int, year: int) -> Fraction | None:
    """The visits of 90 days against what the year would let expect."""
    return recent / (year * Fraction(90, 365)) if year else None


def after_hours(contacts: Collection[Visit], zone: ZoneInfo) -> tuple[int | None, int | None]:
    """How many began outside 08:00-18:00 from Monday to Friday, and of how many that is known."""
    timed = [each.start.astimezone(zone) for each in contacts if each.timed]
    if len(timed) < 2 or Fraction(len(timed), len(contacts)) < Fraction(80, 100):
        return None, None
    return sum(not in_hours(each) for each in timed), len(timed)


def in_hours(moment: datetime) -> bool:
    """Whether offices are open, holidays left aside."""
    return moment.weekday() < SATURDAY and OPENS <= moment.time() < CLOSES


def weekends(contacts: Collection[Visit]) -> tuple[int | None, int | None]:
    """How many began on a Saturday or Sunday, and of how many."""
    dated = [each for each in contacts if each.dated]
    if len(dated) < 2 or Fraction(len(dated), len(contacts)) < Fraction(80, 100):
        return None, None
    return sum(each.day.weekday() >= SATURDAY for each in dated), len(dated)
