"""A FHIR date, dateTime, instant or Period in, the half-open interval of epoch milliseconds that it covers out."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

ALWAYS, NEVER = 2**62, -(2**62)
"""The ends of an interval that is open to the future, and to the past."""

UNDATED = (ALWAYS, NEVER)
"""An interval that no other one touches."""

_CALENDAR = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def instant(epoch_milliseconds: int) -> str:
    """1782864000123 -> '2026-07-01T00:00:00.123Z'."""
    moment = datetime.fromtimestamp(epoch_milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_date(epoch_milliseconds: int) -> str:
    """The same moment as an HTTP header writes it."""
    return format_datetime(datetime.fromtimestamp(epoch_milliseconds // 1000, UTC), usegmt=True)


def interval(text: str) -> tuple[int, int]:
    """'2026-03' -> the whole month; without an offset UTC is meant. Raises ValueError when it is no FHIR date."""
    calendar = _CALENDAR.fullmatch(text)
    if calendar:
        return _calendar_interval(*(int(part) if part else None for part in calendar.groups()))
    if "T" not in text:
        raise ValueError(f"{text!r} is no FHIR date")
    moment = datetime.fromisoformat(text)
    start = milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return start, start + _precision(text)


def _calendar_interval(year: int | None, month: int | None, day: int | None) -> tuple[int, int]:
    assert year is not None
    start = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day:
        return milliseconds(start), milliseconds(start + timedelta(days=1))
    after = (year, month + 1) if month and month < 12 else (year + 1, 1)
    return milliseconds(start), milliseconds(datetime(*after, 1, tzinfo=UTC))


def _precision(text: str) -> int:
    clock = re.split(r"[Z+-]", text.split("T")[1])[0]
    if "." in clock:
        return 1
    return 1000 if clock.count(":") == 2 else 60_000


def covered(element: Any) -> tuple[int, int]:
    """What a stored date or Period covers; content that cannot be read as one is undated, for nothing is validated."""
    try:
        if isinstance(element, str):
            return interval(element)
        if isinstance(element, dict) and ("start" in element or "end" in element):
            start = interval(element["start"])[0] if "start" in element else NEVER
            return start, interval(element["end"])[1] if "end" in element else ALWAYS
    except (ValueError, TypeError, OverflowError):
        return UNDATED
    return UNDATED
