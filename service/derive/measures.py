"""Events in, the long table of measures out: for every surviving patient every measure, known or unknown and why."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.catalogue import FAMILIES
from service.derive.events import Events
from service.derive.measure import NOT_EXPOSED, Family
from service.derive.windows import window

VALUE = "decimal(38, 6)"
COLUMNS = {
    "unit": "string",
    "value": VALUE,
    "date": "date",
    "numerator": "int64",
    "denominator": "int64",
    "coverage_numerator": "int64",
    "coverage_denominator": "int64",
    "unknown": "string",
}


def measures(events: Events, not_exposed: set[str]) -> ir.Table:
    """(patient, code, unit, value, date, numerator, denominator, coverage_numerator, coverage_denominator, unknown)"""
    rows = [
        _coded(events, family, code, window_code, not_exposed)
        for family in FAMILIES
        for code, window_code in family.codes.items()
    ]
    return events.engine.materialise(ibis.union(*rows))


def _coded(events: Events, family: Family, code: str, window_code: str, not_exposed: set[str]) -> ir.Table:
    roster = events.people.roster.select("patient")
    if family.needs in not_exposed:
        found = roster.mutate(unknown=ibis.literal(NOT_EXPOSED))
    else:
        told = family.expression(events, window(window_code, events.as_of, events.zone))
        found = _with_the_absent(roster, told, family)
    filled = found.mutate({name: ibis.null(dtype) for name, dtype in COLUMNS.items() if name not in found.columns})
    ratio = ibis.coalesce(filled.value.cast(VALUE), _ratio(filled.numerator, filled.denominator))
    unit = ibis.coalesce(filled.unit, family.unit)
    typed = filled.mutate(value=ratio, unit=unit)
    return typed.select("patient", code=ibis.literal(code), **{n: typed[n].cast(t) for n, t in COLUMNS.items()})


def _with_the_absent(roster: ir.Table, told: ir.Table, family: Family) -> ir.Table:
    marked = told.mutate(told=True)
    joined = roster.left_join(marked, "patient").drop("patient_right")
    absent = joined.told.isnull()
    if isinstance(family.absent, str):
        stated = joined.unknown if "unknown" in joined.columns else ibis.null("string")
        return joined.mutate(unknown=ibis.cases((absent, family.absent), else_=stated)).drop("told")
    return joined.mutate(value=ibis.cases((absent, family.absent), else_=joined.value)).drop("told")


def _ratio(numerator: ir.IntegerValue, denominator: ir.IntegerValue) -> ir.DecimalValue:
    """Rounded half up to 6 places in integers, so that every engine gives the same digits."""
    millionths = (numerator * 2_000_000 + denominator) // (denominator * 2)
    return millionths.cast("decimal(32, 0)").cast(VALUE) * ibis.literal("0.000001").cast("decimal(6, 6)")
