"""Facts about claims in; the claims that count out, each with its amounts by currency.

Active claims for payment only (STU3 calls their use `complete`). Of claims that replace one another the latest active
one counts. A claim that refers to a sensitive visit, bears such a label, or belongs to a chain with one that does,
shows nowhere. Of a chain without any active claim the latest cancelled one is told of as cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from service.derive.chains import roots
from service.derive.people import People
from service.engine import Engine

ENTERED_IN_ERROR = "entered-in-error"
USES = ("claim", "complete")
MONEY = "decimal(18, 6)"
WIDE = "decimal(19, 6)"  # DuckDB multiplies two of 18 digits in 18 digits, and fails from a million on


@dataclass(frozen=True)
class Claims:
    """`table`: patient, id, at. `amounts`: patient, id, at, currency, amount; none where a claim's is unknown.

    `cancelled`: patient, id, at; none of them stands in `table`.
    """

    table: ir.Table
    amounts: ir.Table
    cyclic: int
    cancelled: ir.Table


def claims(
    facts: ir.Table, items: ir.Table, restricted: ir.Table, people: People, as_of: datetime, engine: Engine
) -> Claims:
    known = engine.materialise(_before(people.rekeyed(facts), people.roster, as_of, engine))
    chained, edges, cyclic = _chained(engine.materialise(_labelled(known, restricted)), engine)
    table = engine.materialise(_in_force(chained, edges))
    cancelled = engine.materialise(_cancelled(chained))
    return Claims(table.select("patient", "id", "at"), engine.materialise(_amounts(table, items)), cyclic, cancelled)


def _before(rows: ir.Table, roster: ir.Table, as_of: datetime, engine: Engine) -> ir.Table:
    rows = rows.inner_join(roster.select("patient", "deceased_at"), "patient")
    alive = rows.deceased_at.isnull() | (rows.at <= rows.deceased_at)
    real = rows.filter(rows.use.isin(USES), rows.status != ENTERED_IN_ERROR, rows.at < engine.at(as_of), alive)
    return real.select(
        "patient", "id", "at", "created", "total", "currency", "doubtful", "encounters", "prior", "sensitive",
        active=rows.status == "active", cancelled=rows.status == "cancelled",
    )  # fmt: skip


def _labelled(rows: ir.Table, restricted: ir.Table) -> ir.Table:
    """`sensitive` also where the claim refers to a sensitive visit."""
    referred = rows.select("id", encounter=rows.encounters.unnest())
    hidden = referred.semi_join(restricted.select(encounter="Encounter/" + restricted.id), "encounter")
    marked = rows.left_join(hidden.select(hidden="id").distinct(), [("id", "hidden")])
    return marked.mutate(sensitive=marked.sensitive | marked.hidden.notnull()).drop("hidden", "encounters")


def _chained(known: ir.Table, engine: Engine) -> tuple[ir.Table, ir.Table, int]:
    """`known` with `chain`, the first claim of its chain, and `depth`; and the edges (patient, id, parent) themselves.

    In a cycle each claim replaces the next and none is the latest: such links count for nothing.
    """
    edges = engine.materialise(_edges(known))
    first, cyclic = roots(edges.group_by("patient", "id").agg(parent=edges.parent.min()), engine)
    joined = known.left_join(first, ["patient", "id"]).drop("patient_right", "id_right", "prior")
    chained = joined.mutate(chain=ibis.coalesce(joined.root, joined.id), depth=joined.depth.fill_null(0))
    return engine.materialise(chained.drop("root")), edges.semi_join(first, ["patient", "id"]), cyclic


def _in_force(chained: ir.Table, edges: ir.Table) -> ir.Table:
    """Of each chain the last active claim, unless the chain bears a label; a claim may end several chains."""
    hidden = chained.filter("sensitive").select("patient", "chain").distinct()
    active = chained.filter("active")
    replaced = edges.semi_join(active, ["patient", "id"]).select("patient", id="parent")
    return _last(active).anti_join(hidden, ["patient", "chain"]).anti_join(replaced, ["patient", "id"])


def _cancelled(chained: ir.Table) -> ir.Table:
    told = chained.filter(chained.active | chained.sensitive).select("patient", "chain").distinct()
    return _last(chained.filter("cancelled")).anti_join(told, ["patient", "chain"]).select("patient", "id", "at")


def _last(claims: ir.Table) -> ir.Table:
    """One claim of each chain."""
    order = ibis.window(
        group_by=["patient", "chain"],
        order_by=[claims.depth.desc(), claims.created.desc(nulls_first=False), claims.id.desc()],
    )
    return claims.mutate(place=ibis.row_number().over(order)).filter(ibis._.place == 0)


def _edges(eligible: ir.Table) -> ir.Table:
    """(patient, id, parent): the parent is the claim replaced."""
    named = eligible.select("patient", "id", parent=eligible.prior.unnest())
    named = named.mutate(parent=named.parent.split("/")[1])
    return named.semi_join(eligible.select("patient", parent="id"), ["patient", "parent"]).distinct()


def _amounts(table: ir.Table, items: ir.Table) -> ir.Table:
    """The total, else for each item its net, else quantity x unit price x factor (absent: 1)."""
    total = table.filter(table.total.notnull()).select("patient", "id", "at", "currency", amount="total")
    item = items.drop("patient", "source", "version").inner_join(
        table.filter(table.total.isnull(), ~table.doubtful).select("patient", "id", "at"), "id"
    )
    priced = (item.quantity.fill_null(1).cast(WIDE) * item.unit_price).try_cast(MONEY)
    amount = ibis.coalesce(item.net, (priced.cast(WIDE) * item.factor.fill_null(1)).try_cast(MONEY))
    itemised = item.select("patient", "id", "at", "currency", amount=amount)
    known = itemised.filter(itemised.amount.notnull(), itemised.currency.notnull())
    summed = known.group_by("patient", "id", "at", "currency").agg(amount=known.amount.sum())
    return total.mutate(amount=total.amount.cast("decimal(38, 6)")).union(summed)
