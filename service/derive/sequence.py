"""Outpatient visits in order of time in, how often the next one is with the same clinician out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.habits import CLINICIAN, index, of
from service.derive.measure import TOO_FEW, measure
from service.derive.windows import YEAR, Window, window


@measure(
    "secon", title="Sequential continuity", dimension="relationship", windows=(YEAR,), absent=TOO_FEW,
    source="Steinwachs 1979",
)  # fmt: skip
def sequential_continuity(events: Events, span: Window) -> ir.Table:
    """Adjacent pairs of outpatient visits with the same clinician / (N - 1), one visit for each clinician and day,
    those that began at the same instant in the order of their ids; N >= 2."""
    steps = events.once(sequence, span)
    same = steps.group_by("patient").agg(same=steps.count(where=steps.clinician == steps.before))
    seen = of(events, span, CLINICIAN).left_join(same, "patient")
    known = seen.unknown.isnull()
    return index(seen, numerator=ibis.cases((known, seen.same)), denominator=seen.n - 1)


def sequence(events: Events, span: Window) -> ir.Table:
    """(patient, clinician, before, tied): the clinician of each visit and of the one before it, null for the first."""
    visits = events.outpatient.filter(events.outpatient.clinician.notnull())
    visits = visits.filter(span.holds(visits.start, events.engine))
    on_a_day = ibis.window(group_by=["patient", "clinician", "day"], order_by=["start", "id"])
    first = visits.mutate(place=ibis.row_number().over(on_a_day)).filter(ibis._.place == 0)
    order = ibis.window(group_by="patient", order_by=["start", "id"])
    return first.select(
        "patient",
        "clinician",
        before=first.clinician.lag().over(order),
        tied=(first.start == first.start.lag().over(order)).fill_null(False),
    )


def ties(events: Events) -> ir.Table:
    """One row: how many visits of the year began at the same instant as the one before, and only their ids put them in
    order."""
    steps = events.once(sequence, window(YEAR, events.as_of, events.zone))
    return steps.agg(n=steps.count(where=steps.tied))
