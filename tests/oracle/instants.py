"""In: FHIR dates and dateTimes as text, a time zone. Out: instants (UTC), local days, and where a window starts.

Instants are kept in UTC: Python compares two times of one zone by the wall clock, wrongly in the hour that comes twice.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

WINDOWS = ("p7d", "p1m", "p1y")
MOMENT = timedelta(microseconds=1)


def instant(text: str, zone: ZoneInfo) -> datetime:
    """A FHIR date, dateTime or instant. Partial ones are the start of their period, in the source's zone."""
    padded = text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text
    moment = datetime.fromisoformat(padded)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the wall when it happened."""
    return moment.astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a local day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def window_start(as_of: datetime, window: str, zone: ZoneInfo) -> datetime:
    """Where the half-open window [start, as_of) begins, by the wall clock of the zone."""
    local = as_of.astimezone(zone)
    starts = {"p7d": local - timedelta(days=7), "p1m": months_before(local, 1), "p1y": months_before(local, 12)}
    return starts[window].astimezone(UTC)


def months_before(moment: datetime, months: int) -> datetime:
    """The same day and time so many months earlier; a month that is too short gives its last day."""
    year, month0 = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = calendar.monthrange(year, month0 + 1)[1]
    return moment.replace(year=year, month=month0 + 1, day=min(moment.day, last))
