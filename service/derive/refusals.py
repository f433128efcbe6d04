"""Claims and what payers say of them in; how many there are, and how many were cancelled or denied, out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import NO_CLAIMS, NOT_ADJUDICATED, measure
from service.derive.settlement import claimed
from service.derive.windows import YEAR, Window


@measure("claims", title="Claims", dimension="affordability", windows=(YEAR,), needs="Claim")
def claims(events: Events, window: Window) -> ir.Table:
    """Active claims for payment, those that replace one another counted once. In a source without any Claim: the bills
    that ExplanationOfBenefit tells of."""
    every = events.once(claimed)
    within = every.filter(~every.cancelled, window.holds(every.at, events.engine))
    return within.group_by("patient").agg(value=within.count())


@measure(
    "claims-refused", title="Claims cancelled or denied", dimension="affordability", windows=(YEAR,), needs="Claim",
    absent=NO_CLAIMS,
)  # fmt: skip
def claims_refused(events: Events, window: Window) -> ir.Table:
    """Cancelled or denied claims / those and the active ones. Denied is a claim of which an explanation or response
    says so, of the whole or of an item. Where no claim is cancelled or has either, it is unknown rather than none.
    Coverage: claims that are cancelled or of which there is an answer among all."""
    every = events.once(claimed)
    within = every.filter(window.holds(every.at, events.engine))
    rows = within.group_by("patient").agg(
        refused=(within.cancelled | within.denied).sum(),
        answered=(within.cancelled | within.adjudicated).sum(),
        n=within.count(),
    )
    silent = rows.answered == 0
    return rows.select(
        "patient",
        numerator=ibis.cases((~silent, rows.refused)),
        denominator=ibis.cases((~silent, rows.n)),
        coverage_numerator=rows.answered,
        coverage_denominator=rows.n,
        unknown=ibis.cases((silent, NOT_ADJUDICATED)),
    )
