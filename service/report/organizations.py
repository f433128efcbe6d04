"""Visits in, for each patient the organisation that most of the year's visits were at out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.report.basis import Basis

UNKNOWN = ""  # Parquet keys do not join on null


def usual_organizations(basis: Basis, engine: Engine) -> ir.Table:
    """(patient, organization): the mode; of equals the one visited last, then the smaller id.

    The visits are those that the profiles name as evidence: they are the surviving patient's, and never sensitive ones.
    """
    visits = engine.read_parquet(basis.facts / "visits.parquet")
    people = basis.people(engine)
    used = people.select("patient", what=people.evidence.unnest())
    year = visits.filter(visits.start >= engine.at(basis.opens["p1y"]), visits.status != "cancelled")
    named = year.filter(year.organization.notnull()).select("organization", "start", what="Encounter/" + year.id)
    seen = used.inner_join(named, "what")
    each = seen.group_by("patient", "organization").agg(n=seen.count(), last=seen.start.max())
    order = ibis.window(group_by="patient", order_by=[ibis.desc("n"), ibis.desc("last"), "organization"])
    first = each.mutate(choice=ibis.row_number().over(order)).filter(ibis._.choice == 0)
    return first.select("patient", "organization")
