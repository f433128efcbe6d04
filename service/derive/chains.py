"""Rows that point to a parent in, the topmost ancestor of each out: `Encounter.partOf`, a claim's `prior`."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.engine import Engine

DOUBLINGS = 6  # reaches 2^6 = 64 levels up; whatever is not at its top by then goes in a circle


def roots(edges: ir.Table, engine: Engine) -> tuple[ir.Table, int]:
    """`edges` (patient, id, parent), one parent a row; out comes (patient, id, root, depth): steps to the root.

    A chain that runs into a cycle is ignored: its rows are left out and counted.
    """
    parents = edges.select("patient", "id", root="parent", depth=ibis.literal(1, "int64"))
    reached = engine.repeated(parents, _twice_as_far, DOUBLINGS)
    inner = reached.view()
    tops = reached.anti_join(inner, [reached.patient == inner.patient, reached.root == inner.id])
    counted = engine.row(ibis.union(_size(reached), _size(tops)).agg(n=ibis._.n.max() - ibis._.n.min()))
    return engine.materialise(tops), counted["n"]


def _twice_as_far(reached: ir.Table) -> ir.Table:
    above = reached.view()
    joined = reached.left_join(above, [reached.patient == above.patient, reached.root == above.id])
    return joined.select(
        reached.patient,
        reached.id,
        root=ibis.coalesce(above.root, reached.root),
        depth=reached.depth + above.depth.fill_null(0),
    )


def _size(table: ir.Table) -> ir.Table:
    return table.agg(n=table.count())
