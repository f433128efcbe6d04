"""FHIR date, dateTime, instant and time as text in; their order, and the first and last moment that they can mean, out.

Text it stays: a year is not its first day. http://hl7.org/fhirpath/N1/#datetime-equality
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.engine import Engine

YEAR, MONTH, DAY, TO_THE_SECOND = 4, 7, 10, 19
ZONE = "(Z|[+-][0-9]{2}:[0-9]{2})$"
FRACTION = r"[.]([0-9]+)"
MILLISECONDS = 3


def order(left: ir.StringValue, right: ir.StringValue, engine: Engine) -> ir.IntegerValue:
    """-1, 0 or 1; null where one says less than is needed: 2020 is neither before 2020-05 nor after it."""
    both_timed = (left.length() > DAY) & (right.length() > DAY)
    shared = ibis.least(left.length(), right.length())
    as_far = _sign(left.substr(0, shared), right.substr(0, shared))
    undecided = (as_far == 0) & (left.length() != right.length())
    return ibis.cases(
        (both_timed, _sign(engine.moment(left), engine.moment(right))),
        (undecided, ibis.null("int8")),
        else_=as_far,
    )


def time_order(left: ir.StringValue, right: ir.StringValue) -> ir.IntegerValue:
    return _sign(left.try_cast("time"), right.try_cast("time"))


def _sign(left: ir.Value, right: ir.Value) -> ir.IntegerValue:
    return ibis.cases((left < right, -1), (left > right, 1), (left == right, 0), else_=ibis.null("int8"))


def first_date(text: ir.StringValue) -> ir.StringValue:
    return ibis.cases((text.length() == YEAR, text + "-01-01"), (text.length() == MONTH, text + "-01"), else_=text)


def last_date(text: ir.StringValue) -> ir.StringValue:
    following = (text + "-01").try_cast("date") + ibis.interval(months=1)
    last = (following - ibis.interval(days=1)).strftime("%Y-%m-%d")
    return ibis.cases((text.length() == YEAR, text + "-12-31"), (text.length() == MONTH, last), else_=text)


def first_instant(text: ir.StringValue) -> ir.StringValue:
    """Where no offset is known, it may be the one where that day begins first."""
    return ibis.cases(
        (text.length() <= DAY, first_date(text) + "T00:00:00.000+14:00"),
        else_=text.substr(0, TO_THE_SECOND) + "." + _fraction(text, "0") + _zone(text, "+14:00"),
    )


def last_instant(text: ir.StringValue) -> ir.StringValue:
    return ibis.cases(
        (text.length() <= DAY, last_date(text) + "T23:59:59.999-12:00"),
        else_=text.substr(0, TO_THE_SECOND) + "." + _fraction(text, "9") + _zone(text, "-12:00"),
    )


def first_time(text: ir.StringValue) -> ir.StringValue:
    return text.substr(0, TO_THE_SECOND - DAY - 1) + "." + _fraction(text, "0")


def last_time(text: ir.StringValue) -> ir.StringValue:
    return text.substr(0, TO_THE_SECOND - DAY - 1) + "." + _fraction(text, "9")


def _fraction(text: ir.StringValue, filled: str) -> ir.StringValue:
    digits = text.re_extract(FRACTION, 1)
    return digits + ibis.literal(filled).repeat(ibis.greatest(MILLISECONDS - digits.length(), 0))


def _zone(text: ir.StringValue, otherwise: str) -> ir.StringValue:
    return ibis.coalesce(text.re_extract(ZONE, 1).nullif(""), otherwise)
