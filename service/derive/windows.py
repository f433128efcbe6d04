"""as_of and a time zone in, the half-open windows [as_of - w, as_of) out.

A month or a year back is counted on the calendar of the source's zone; from the 31st it clamps to the month's last day.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from service.engine import Engine

WEEK, MONTH, YEAR, EVER = "p7d", "p1m", "p1y", "ever"
WINDOWS = (WEEK, MONTH, YEAR, EVER)
WORDS = {WEEK: "the last 7 days", MONTH: "the last month", YEAR: "the last year", EVER: "all records"}


@dataclass(frozen=True)
class Window:
    """`start` None: as far back as the records go."""

    code: str
    start: datetime | None
    end: datetime

    @property
    def opens(self) -> datetime:
        if self.start is None:
            raise ValueError(f"the window {self.code} has no start")
        return self.start

    def holds(self, moment: ir.TimestampValue, engine: Engine) -> ir.BooleanValue:
        before_the_end = moment < engine.at(self.end)
        return before_the_end if self.start is None else before_the_end & (moment >= engine.at(self.start))


def window(code: str, as_of: datetime, zone: ZoneInfo) -> Window:
    clock = as_of.astimezone(zone)
    starts = {
        WEEK: days_before(as_of, 7, zone),
        MONTH: months_before(clock, 1),
        YEAR: months_before(clock, 12),
        EVER: None,
    }
    return Window(code, starts[code], as_of)


def days_before(as_of: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day so many days earlier."""
    return as_of.astimezone(zone) - timedelta(days=days)


def months_before(clock: datetime, months: int) -> datetime:
    """The same day and time of day that many months earlier, or that month's last day."""
    year, month = divmod(clock.year * 12 + clock.month - 1 - months, 12)
    return clock.replace(year=year, month=month + 1, day=min(clock.day, monthrange(year, month + 1)[1]))
