"""A FHIR date with its prefix in, which instants or periods it means out. https://hl7.org/fhir/R4/search.html#date"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from service.facade.outcome import malformed
from service.facade.search.condition import Condition

_DATE = re.compile(
    r"(?P<prefix>eq|ne|gt|ge|lt|le|sa|eb)?(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_STEPS = {"second": 1_000, "minute": 60_000, "day": 86_400_000}


@dataclass(frozen=True)
class Moment:
    """From `low` to before `high`, milliseconds since 1970; without a zone it is UTC."""

    prefix: str
    low: int
    high: int

    @classmethod
    def parse(cls, text: str) -> Moment:
        match = _DATE.fullmatch(text)
        if match is None:
            raise malformed("that is no FHIR date, such as ge2026-01-31 or lt2026-01-31T12:00:00Z")
        parts = match.groupdict()
        try:
            low, high = _span(parts)
        except (ValueError, OverflowError):
            raise malformed("there is no such day or time") from None
        return cls(parts["prefix"] or "eq", low, high)

    def of_instant(self, column: str) -> Condition:
        return self.of_period(column, column)

    def of_period(self, start: str, end: str) -> Condition:
        """https://hl7.org/fhir/R4/search.html#prefix, for a period that has both its ends."""
        match self.prefix:
            case "eq":
                return Condition(f"{start} >= ? AND {end} < ?", (self.low, self.high))
            case "ne":
                return Condition(f"{start} < ? OR {end} >= ?", (self.low, self.high))
            case "gt":
                return Condition(f"{end} >= ?", (self.high,))
            case "ge":
                return Condition(f"{end} >= ?", (self.low,))
            case "lt":
                return Condition(f"{start} < ?", (self.low,))
            case "le":
                return Condition(f"{start} < ?", (self.high,))
            case "sa":
                return Condition(f"{start} >= ?", (self.high,))
            case _:
                return Condition(f"{end} < ?", (self.low,))


def _span(parts: dict[str, str | None]) -> tuple[int, int]:
    year, month, day = (int(parts[name] or 1) for name in ("year", "month", "day"))
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    begins = dt.datetime(year, month, day, hour, minute, second, tzinfo=_zone(parts["zone"]))
    low = int(begins.timestamp()) * 1_000
    if parts["fraction"]:
        digits = parts["fraction"].ljust(3, "0")[:3]
        return low + int(digits), low + int(digits) + 10 ** (3 - min(3, len(parts["fraction"])))
    if parts["month"] is None:
        return low, int(begins.replace(year=begins.year + 1).timestamp()) * 1_000
    if parts["day"] is None:
        after = (begins + dt.timedelta(days=31)).replace(day=1)
        return low, int(after.timestamp()) * 1_000
    finest = "second" if parts["second"] else "minute" if parts["minute"] else "day"
    return low, low + _STEPS[finest]


def _zone(text: str | None) -> dt.tzinfo:
    if text in (None, "Z"):
        return dt.UTC
    assert text is not None
    hours, minutes = int(text[1:3]), int(text[4:6])
    offset = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-offset if text[0] == "-" else offset)
