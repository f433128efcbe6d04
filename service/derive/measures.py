"""Events in, the long table of measures out: for every surviving patient every measure, known or unknown and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import ibis
import ibis.expr.types as ir

from service.derive.catalogue import FAMILIES
from service.derive.events import Events
from service.derive.measure import NOT_EXPOSED, NOT_USABLE, VALUE, Family, ratio
from service.derive.own_rows import check_rows
from service.derive.settlement import billed_by_explanations
from service.derive.unusable import unknowable
from service.derive.windows import window

COLUMNS = {
    "patient": "string",
    "code": "string",
    "unit": "string",
    "value": VALUE,
    "date": "date",
    "mode": "string",
    "numerator": "int64",
    "denominator": "int64",
    "coverage_numerator": "int64",
    "coverage_denominator": "int64",
    "unknown": "string",
}
ABSENT = ("code", "unit", "value", "unknown")


def measures(events: Events, not_exposed: set[str], own: Sequence[Family] = ()) -> ir.Table:
    """The columns of COLUMNS, for every patient and measure a row, of amounts one a currency.

    `own` are the hospital's, beside those of the catalogue.

    What the measures tell is gathered as it is and completed once for all: a query takes longer to write than to run.
    """
    if billed_by_explanations(events):
        not_exposed = not_exposed - {"Claim"}
    families = (*FAMILIES, *own)
    exposed = [family for family in families if family.exposed(not_exposed)]
    told = (rows for family in exposed for rows in tellings(events, family))
    hidden = events.engine.materialise(unknowable(events, exposed))
    known = events.engine.gather(told, COLUMNS)
    if own:
        check_rows(events, known, own)
    every = _completed(events, _tellable(known, hidden), hidden, _absent(families, not_exposed))
    return events.engine.materialise(every)


def tellings(events: Events, family: Family) -> Iterator[ir.Table]:
    """What one family tells, a table a window."""
    for code, window_code in family.codes.items():
        told = family.expression(events, window(window_code, events.as_of, events.zone))
        known = {name: told[name] for name in COLUMNS if name in told.columns and name != "unit"}
        unit = ibis.coalesce(told.unit, family.unit) if "unit" in told.columns else ibis.literal(family.unit)
        yield told.select(**known, code=ibis.literal(code), unit=unit)


def _tellable(told: ir.Table, hidden: ir.Table) -> ir.Table:
    """But for what is hidden; whom another record names, as Patient.generalPractitioner does, is known all the same."""
    named = told.mode.notnull()
    return told.filter(named).union(told.filter(~named).anti_join(hidden, ["patient", "code"]))


def _completed(events: Events, told: ir.Table, hidden: ir.Table, absent_of: Iterable[dict[str, object]]) -> ir.Table:
    """Of whom a measure tells nothing, zero or why it is unknown; ratios have their value."""
    codes = events.engine.load(list(absent_of), {name: COLUMNS[name] for name in ABSENT})
    everything = events.people.roster.select("patient").cross_join(codes)
    absent = everything.anti_join(told, ["patient", "code"]).left_join(hidden, ["patient", "code"])
    blank = absent.patient_right.notnull()
    absent = absent.mutate(
        value=ibis.cases((~blank, absent.value)), unknown=ibis.cases((blank, NOT_USABLE), else_=absent.unknown)
    ).drop("patient_right", "code_right")
    nothing = {name: ibis.null(dtype) for name, dtype in COLUMNS.items() if name not in absent.columns}
    every = told.union(absent.mutate(**nothing).select(*COLUMNS))
    return every.mutate(value=ibis.coalesce(every.value, ratio(every.numerator, every.denominator)))


def _absent(families: Iterable[Family], not_exposed: set[str]) -> Iterator[dict[str, object]]:
    for family in families:
        absent = family.absent if family.exposed(not_exposed) else NOT_EXPOSED
        value, unknown = (absent, None) if isinstance(absent, int) else (None, absent)
        for code in family.codes:
            yield {"code": code, "unit": family.unit, "value": value, "unknown": unknown}
