"""The `_typeFilter` queries of a source in, which lines of an export pass them out.

A server may ignore them, so what came is looked at again here. Only what certainly does not match is left out: days
are compared, and a zone may move them by one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

DAY = dt.timedelta(days=1)
_DATE = re.compile(r"(ge|gt|le|lt)(\d{4}(?:-\d\d(?:-\d\d)?)?)")


class _Period(msgspec.Struct):
    start: str = ""
    end: str = ""


class _Line(msgspec.Struct):
    status: str = ""
    period: _Period | None = None
    actualPeriod: _Period | None = None
    created: str = ""

    def covers(self, parameter: str) -> tuple[str, str]:
        """The first and the last moment; empty where it is open, or nothing is said."""
        if parameter == "created":
            return self.created, self.created
        period = self.actualPeriod or self.period or _Period()
        return period.start, period.end


_line = msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class Filters:
    """Several of one type mean any of them; the parameters of one all have to hold."""

    queries: tuple[tuple[tuple[str, str], ...], ...]

    @classmethod
    def of(cls, resource_type: str, filters: Iterable[str]) -> Filters:
        texts = (each.partition("?") for each in filters)
        mine = (query.split("&") for kind, _, query in texts if kind == resource_type)
        return cls(tuple(tuple((name, value) for name, _, value in (p.partition("=") for p in q)) for q in mine))

    def passed(self, lines: list[bytes]) -> list[bytes]:
        return [line for line in lines if self._passes(line)] if self.queries else lines

    def _passes(self, line: bytes) -> bool:
        try:
            said = _line.decode(line)
        except (msgspec.MsgspecError, RecursionError):
            return True  # whoever reads it next says what is wrong with it
        return any(all(_holds(said, *parameter) for parameter in query) for query in self.queries)


def _holds(said: _Line, parameter: str, value: str) -> bool:
    if parameter == "status":
        return said.status == value
    found = _DATE.fullmatch(value)
    assert found, value  # the settings take no other
    first, last = said.covers(parameter)
    if found[1] in ("ge", "gt"):
        return not last or _day(last, end=True) + DAY >= _day(found[2], end=False)
    return not first or _day(first, end=False) - DAY <= _day(found[2], end=True)


def _day(text: str, *, end: bool) -> dt.date:
    """The first or last day that a date, a month or a year means; what is none lies in the middle of nowhere."""
    try:
        year, month, day = (int(part) if part else None for part in _parts(text))
        first = dt.date(year or 1, month or 1, day or 1)
    except ValueError:
        return dt.date.max - DAY if end else dt.date.min + DAY
    if day or not end:
        return first
    following = dt.date(first.year + 1, 1, 1) if not month or month == 12 else dt.date(first.year, month + 1, 1)
    return following - DAY


def _parts(text: str) -> tuple[str, str, str]:
    year, month, day = (*text[:10].split("-"), "", "")[:3]
    return year, month, day
