"""Visits that count in, hospital stays out.

Inpatient encounters of one patient that overlap, touch, or are linked by partOf are one stay, dated at its earliest
start and lasting to its latest end, gaps between linked encounters included. A stay that starts on the day of birth is
no admission: neither it nor its days count anywhere.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.people import People
from service.engine import Engine

FROM_EMERGENCY = "emd"  # http://terminology.hl7.org/CodeSystem/admit-source
_BEFORE = {"preceding": (None, 1)}
_SO_FAR = {"preceding": (None, 0)}


def members(visits: ir.Table, people: People, engine: Engine) -> ir.Table:
    """Each inpatient visit with `stay`, the number of the stay it belongs to; a patient's numbers follow time."""
    inpatient = visits.filter(visits.class_group == "inpatient")
    linked = inpatient.group_by("patient", "admission").agg(start=inpatient.start.min(), until=inpatient.until.max())
    order = {"group_by": "patient", "order_by": ["start", "admission"]}
    reach = linked.mutate(reach=linked.until.max().over(ibis.window(**order, **_BEFORE)))
    begins = reach.mutate(begins=(reach.reach.isnull() | (reach.start > reach.reach)).ifelse(1, 0))
    numbered = begins.mutate(stay=begins.begins.sum().over(ibis.window(**order, **_SO_FAR)))
    joined = inpatient.inner_join(numbered.select("patient", "admission", "stay"), ["patient", "admission"])
    every = engine.materialise(joined)
    births = _births(every, people)
    return engine.materialise(every.anti_join(births, ["patient", "stay"]))


def stays(members: ir.Table, engine: Engine) -> ir.Table:
    """(patient, stay, start, until, ended, going_on, died, said_acute, disposition, entered, left)

    `entered` and `left`: the organisations where it began and ended. `ended`: some encounter says when it was over, and
    none goes on at as_of.
    """
    order = ibis.window(group_by=["patient", "stay"])
    first = members.start == members.start.min().over(order)
    last = members.until == members.until.max().over(order)
    marked = members.mutate(first=first, last=last)
    whole = marked.group_by("patient", "stay").agg(
        start=marked.start.min(),
        until=marked.until.max(),
        ended=marked.ended.any() & ~marked.going_on.any(),
        going_on=marked.going_on.any(),
        died=marked.died.any(),
        said_acute=((marked.class_code == "ACUTE") | (marked.admit_source == FROM_EMERGENCY)).any().fill_null(False),
        disposition=marked.discharge_disposition.min(where=marked["last"]),
        entered=marked.organization.min(where=marked["first"]),
        left=marked.organization.min(where=marked["last"]),
    )
    return engine.materialise(whole)


def _births(members: ir.Table, people: People) -> ir.Table:
    """(patient, stay): a partial birth date names no day."""
    first = members.group_by("patient", "stay").agg(born_on=members.day.min())
    return first.semi_join(people.roster, ["patient", "born_on"])
