"""Visits in, for each the topmost inpatient visit that it is, by partOf, a part of."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.chains import roots
from service.engine import Engine


def admissions(visits: ir.Table, engine: Engine) -> tuple[ir.Table, int]:
    """(patient, id, admission), and how many visits go in a circle, which is then ignored.

    The way up leads over visits of any class to the nearest inpatient one, from there over inpatient ones to the top.
    A visit that is neither inpatient nor part of such a one has no row.
    """
    inpatient = engine.materialise(visits.filter(visits.class_group == "inpatient").select("patient", "id"))
    edges = engine.materialise(_edges(visits))
    outside, circling = roots(edges.anti_join(inpatient, ["patient", "id"]), engine)
    nearest = engine.materialise(_nearest(edges, outside))  # as a table: Ibis 12 cannot join a join's projection again
    climbs = nearest.semi_join(inpatient.select("patient", parent="id"), ["patient", "parent"])
    tops, ringed = roots(climbs.semi_join(inpatient, ["patient", "id"]), engine)
    topmost = engine.materialise(_topmost(inpatient, tops))
    parts = climbs.anti_join(inpatient, ["patient", "id"]).inner_join(
        topmost.select("patient", "admission", parent="id"), ["patient", "parent"]
    )
    return topmost.union(parts.select("patient", "id", "admission")), circling + ringed


def _edges(visits: ir.Table) -> ir.Table:
    """(patient, id, parent) where the parent is a visit of the same patient that counts as well."""
    children = visits.filter(visits.part_of.notnull()).select("patient", "id", parent=visits.part_of.split("/")[1])
    return children.semi_join(visits.select("patient", parent="id"), ["patient", "parent"])


def _nearest(edges: ir.Table, outside: ir.Table) -> ir.Table:
    """(patient, id, parent) where the parent is the nearest inpatient visit above, or the top of a way without one."""
    over = outside.select("patient", "root", parent="id")
    joined = edges.left_join(over, ["patient", "parent"])
    return joined.select("patient", "id", parent=ibis.coalesce(joined.root, joined.parent))


def _topmost(inpatient: ir.Table, tops: ir.Table) -> ir.Table:
    joined = inpatient.left_join(tops, ["patient", "id"])
    return joined.select("patient", "id", admission=ibis.coalesce(joined.root, joined.id))
