"""Explanations and their amounts in; for each bill what the payer says of it in the end out.

Of several explanations of one bill the latest active one counts, unless another says that it replaces it. One whose
amounts are negative is a reversal: it takes back the explanation before it, is added to that one, and goes with it
when a later one takes its place. Where nothing that it could take back is known, it counts as it is.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.adjudications import EXPLANATION, adjudications
from service.derive.amounts import ALLOWED, DENIED, SUBMITTED, amounts, stated
from service.derive.events import Events
from service.derive.recorded import recorded

UNSIGNED = (SUBMITTED, ALLOWED)  # what these say of a reversal depends on the payer


def settling(events: Events) -> ir.Table:
    """(patient, bill, at, what): the explanations that count."""
    engine, every = events.engine, events.once(adjudications)
    marked = engine.materialise(_marked(events, every))
    originals = marked.filter(~marked.reversal)
    latest = engine.materialise(_latest(originals, every))
    reversals = engine.materialise(marked.filter("reversal", "active"))
    standing = engine.materialise(_reversed(reversals, originals))
    with_latest = standing.semi_join(latest.select("patient", "bill", of="what"), ["patient", "bill", "of"])
    alone = reversals.anti_join(originals, ["patient", "bill"])
    columns = ("patient", "bill", "at", "what")
    return ibis.union(latest.select(*columns), with_latest.select(*columns), alone.select(*columns))


def settled(events: Events) -> ir.Table:
    """(patient, bill, at, kind, currency, amount)"""
    joined = events.once(settling).inner_join(events.once(amounts), "what")
    grouped = joined.group_by("patient", "bill", "at", "kind", "currency")
    return grouped.agg(amount=joined.amount.sum())


def bills(events: Events) -> ir.Table:
    """(patient, bill, at, adjudicated, denied): the claims that count, and explanations whose claim is not there."""
    said, claims = events.once(stated), events.claims.table
    refused = said.filter(said.meaning == DENIED).select("what").distinct()
    told = events.once(settling).left_join(refused, "what")
    decided = told.group_by("patient", "bill", "at").agg(denied=told.what_right.notnull().any())
    silent = claims.select("patient", "at", bill="Claim/" + claims.id).anti_join(decided, ["patient", "bill"])
    return decided.select("patient", "bill", "at", "denied", adjudicated=True).union(
        silent.select("patient", "bill", "at", denied=False, adjudicated=False)
    )


def claimed(events: Events) -> ir.Table:
    """(patient, bill, at, adjudicated, denied, cancelled): the claims, cancelled ones too; else what explains some."""
    every, claims, cancelled = events.once(bills), events.claims.table, events.claims.cancelled
    counting = every.mutate(cancelled=False)
    if billed_by_explanations(events):
        return counting
    own = counting.semi_join(claims.select("patient", bill="Claim/" + claims.id), ["patient", "bill"])
    return own.union(
        cancelled.select("patient", "at", bill="Claim/" + cancelled.id, adjudicated=False, denied=False, cancelled=True)
    )


def billed_by_explanations(events: Events) -> bool:
    """A payer's source may hold no Claim at all: then its explanations tell of the bills."""
    held = events.engine.row(events.once(bearing))
    return bool(held["explanations"] and not held["claims"])


def bearing(events: Events) -> ir.Table:
    """One row: of claims and of explanations whether the source records any."""
    explanations = events.of_all("adjudications").filter(ibis._.resource == EXPLANATION)
    claims = events.of_all("claims")
    row = claims.agg(recorded("claims", claims.count() > 0, events.known))
    return row.cross_join(explanations.agg(recorded("explanations", explanations.count() > 0, events.known)))


def _marked(events: Events, every: ir.Table) -> ir.Table:
    """With `reversal`: some amount is below zero and none above."""
    money = events.once(amounts)
    signed = money.filter(money.kind.notin(UNSIGNED))
    taken = signed.group_by("what").agg(least=signed.amount.min(), most=signed.amount.max())
    negative = taken.filter(taken.least < 0, taken.most <= 0).select(back="what")
    joined = every.left_join(negative, every.what == negative.back)
    return joined.mutate(reversal=joined.back.notnull()).drop("back")


def _latest(originals: ir.Table, every: ir.Table) -> ir.Table:
    active = originals.filter("active")
    replaced = every.filter("active").select("patient", "what", by="bill", old=every.prior.unnest())
    others = replaced.filter(replaced.old != replaced.by, replaced.old != replaced.what)
    left = active.anti_join(others.select("patient", what="old"), ["patient", "what"])
    left = left.anti_join(others.select("patient", bill="old"), ["patient", "bill"])
    order = ibis.window(group_by=["patient", "bill"], order_by=[left.created.desc(), left.id.desc()])
    return left.mutate(place=ibis.row_number().over(order)).filter(ibis._.place == 0)


def _reversed(reversals: ir.Table, originals: ir.Table) -> ir.Table:
    """Each reversal with `of`, the explanation that it takes back: the last made before it, else one made with it."""
    before = originals.select("patient", "bill", of="what", made="created")
    pairs = reversals.inner_join(before, ["patient", "bill"])
    pairs = pairs.filter(pairs.made <= pairs.created).mutate(together=pairs.made == pairs.created)
    order = ibis.window(group_by=["patient", "what"], order_by=["together", ibis.desc("made"), ibis.desc("of")])
    return pairs.mutate(place=ibis.row_number().over(order)).filter(ibis._.place == 0)
