"""A family of the catalogue in, the words that published tables and code systems share about it out."""

from __future__ import annotations

from service.compose.canonical import NO_CURRENCY
from service.derive.measure import REASONS, Family
from service.derive.windows import EVER, MONTH, WEEK, YEAR

SPAN = {WEEK: "last 7 days", MONTH: "last month", YEAR: "last year"}
BEFORE = {
    WEEK: "the 7 days before asOf",
    MONTH: "the month before asOf",
    YEAR: "the year before asOf",
    EVER: "all of the record before asOf",
}
UNITS = {"1": "a number", "d": "days", "date": "a date", NO_CURRENCY: "the currency of the amounts"}


def display(family: Family, window: str) -> str:
    """Such as `Emergency visits, last year`."""
    return f"{family.title}, {SPAN[window]}" if window in SPAN else family.title


def unit(family: Family) -> str:
    return UNITS.get(family.unit, family.unit)


def unknown_when(family: Family) -> str:
    """Without the reasons that only some records give, which the definition tells."""
    hidden = f"the server does not expose {family.needs}"
    return f"{hidden}, or: {REASONS[family.absent]}" if isinstance(family.absent, str) else hidden
