"""FHIR dateTime text in, UTC timestamps out. https://hl7.org/fhir/R4/datatypes.html#dateTime

A date, a month or a year is a period on the source's calendar: `start` is its first moment, `last` its last.
A time without an offset is no FHIR dateTime, and which hour it means would be a guess: null.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.engine import Engine

FULL = r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$"
PERIOD = r"^\d{4}(-\d\d(-\d\d)?)?$"
YEAR, MONTH, DAY = 4, 7, 10


@dataclass(frozen=True)
class Calendar:
    engine: Engine
    zone: ZoneInfo

    def start(self, text: ir.StringValue) -> ir.TimestampValue:
        return self._either(text, self.engine.instant(_first_midnight(text), self.zone))

    def last(self, text: ir.StringValue) -> ir.TimestampValue:
        midnight = _first_midnight(text)
        following = ibis.cases(
            (text.length() == YEAR, midnight + ibis.interval(years=1)),
            (text.length() == MONTH, midnight + ibis.interval(months=1)),
            else_=midnight + ibis.interval(days=1),
        )
        return self._either(text, self.engine.instant(following, self.zone) - ibis.interval(microseconds=1))

    def _either(self, text: ir.StringValue, period: ir.TimestampValue) -> ir.TimestampValue:
        return ibis.cases((text.re_search(FULL), self.engine.moment(text)), (text.re_search(PERIOD), period))


def partial(text: ir.StringValue) -> ir.BooleanValue:
    """A year or a month: less than the day that calendar questions ask for."""
    return (text.length() < DAY).fill_null(False)


def timed(text: ir.StringValue) -> ir.BooleanValue:
    """More than a day: it says at which hour."""
    return (text.length() > DAY).fill_null(False)


def whole_date(text: ir.StringValue) -> ir.DateValue:
    """A FHIR date given to the day; null for a year or a month."""
    return ibis.cases((text.re_search(PERIOD) & ~partial(text), text.try_cast("date")))


def first_date(text: ir.StringValue) -> ir.DateValue:
    """The first day of a FHIR date."""
    return ibis.cases((text.re_search(PERIOD), _first_midnight(text).date()))


def _first_midnight(text: ir.StringValue) -> ir.TimestampValue:
    day = ibis.cases((text.length() == YEAR, text + "-01-01"), (text.length() == MONTH, text + "-01"), else_=text)
    return day.try_cast("date").cast("timestamp")
