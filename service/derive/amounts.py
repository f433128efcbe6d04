"""What explanations state in; for each and each kind of amount one sum a currency out.

The same money stands in several places: in the header and at the items, as a whole and in its parts. Of these one is
taken. An amount without a currency leaves its kind unknown for that explanation: the rest would pass for the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import ibis.expr.types as ir

from service.derive.adjudications import adjudications
from service.derive.categories import Categories, Meaning
from service.derive.events import Events

SUBMITTED, ALLOWED, INSURER_PAID = "submitted", "allowed-amount", "insurer-paid"
LIABILITY, PATIENT_PAID = "patient-liability", "patient-paid"
DENIED: Meaning = "denied"
# For each kind the ways to state it: the first that an explanation uses counts, and of that way all parts are summed.
WAYS: dict[str, tuple[tuple[Meaning, ...], ...]] = {
    SUBMITTED: (("submitted",),),
    ALLOWED: (("allowed",),),
    INSURER_PAID: (("benefit",), ("paid-to-provider", "paid-to-patient")),
    LIABILITY: (("member-liability",), ("copay", "deductible", "coinsurance")),
    PATIENT_PAID: (("paid-by-patient",), ("paid-by-patient-cash", "paid-by-patient-other")),
}
LEVELS = ("total", "header", "item")


def stated(events: Events) -> ir.Table:
    """(what, meaning, level, currency, amount) of what a value set knows, summed where one level repeats it."""
    payments = events.fact("payments")
    mine = events.once(adjudications).select("resource", "id", "what")
    meant = payments.inner_join(_meanings(events, payments), "codes")
    joined = meant.inner_join(mine, ["resource", "id"])
    grouped = joined.group_by("what", "meaning", "level", "currency")
    return grouped.agg(amount=joined.amount.sum(), n=joined.amount.count())


def amounts(events: Events) -> ir.Table:
    """(what, kind, currency, amount)"""
    engine, said = events.engine, events.once(stated)
    money = said.filter(said.meaning != DENIED, said.n > 0)
    rank = money.level.cases(*((level, place) for place, level in enumerate(LEVELS)))
    one_level = engine.materialise(_least(money.mutate(rank=rank), "what", "meaning"))
    ways = _ways(events)
    in_ways = engine.materialise(one_level.inner_join(ways, "meaning"))
    one_way = engine.materialise(_least(in_ways, "what", "kind"))
    whole = one_way.anti_join(one_way.filter(one_way.currency.isnull()), ["what", "kind"])
    return whole.group_by("what", "kind", "currency").agg(amount=whole.amount.sum())


def _least(rows: ir.Table, *by: str) -> ir.Table:
    """Of each group the rows of the lowest rank."""
    least = rows.group_by(*by).agg(rank=rows["rank"].min())
    return rows.semi_join(least, [*by, "rank"]).drop("rank")


def _meanings(events: Events, payments: ir.Table) -> ir.Table:
    """(codes, meaning): the categories that there are and that are known."""
    seen = payments.select("codes").distinct()
    return events.engine.through(
        partial(_known, events.categories), [seen], {"codes": "array<string>", "meaning": "string"}
    )


def _known(categories: Categories, seen: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in seen:
        if meaning := categories.meaning(row["codes"]):
            yield {"codes": row["codes"], "meaning": meaning}


def _ways(events: Events) -> ir.Table:
    rows = [
        {"meaning": meaning, "kind": kind, "rank": rank}
        for kind, ways in WAYS.items()
        for rank, parts in enumerate(ways)
        for meaning in parts
    ]
    return events.engine.load(rows, {"meaning": "string", "kind": "string", "rank": "int64"})
