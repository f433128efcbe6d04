"""Claims in, billed amounts by currency out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import NO_AMOUNTS, measure
from service.derive.windows import MONTH, WEEK, YEAR, Window

NO_CURRENCY = "XXX"  # ISO 4217: no currency is involved


@measure(
    "billed-charges", title="Billed charges", dimension="affordability", unit=NO_CURRENCY,
    windows=(WEEK, MONTH, YEAR), needs="Claim",
)  # fmt: skip
def billed_charges(events: Events, window: Window) -> ir.Table:
    """What was charged, currency by currency: Claim.total, else by item its net, else quantity x unit price x factor.
    Active claims for payment; of claims that replace one another the latest. No claims: zero, in no currency. Coverage:
    claims with a known amount among all."""
    claims, amounts = events.claims.table, events.claims.amounts
    claims = claims.filter(window.holds(claims.at, events.engine))
    amounts = amounts.filter(window.holds(amounts.at, events.engine))
    number = claims.group_by("patient").agg(coverage_denominator=claims.count())
    stated = amounts.group_by("patient").agg(coverage_numerator=amounts.id.nunique())
    sums = amounts.group_by("patient", unit="currency").agg(value=amounts.amount.sum())
    rows = number.left_join(stated, "patient").drop("patient_right").left_join(sums, "patient").drop("patient_right")
    return rows.mutate(
        unit=rows.unit.fill_null(NO_CURRENCY),
        coverage_numerator=rows.coverage_numerator.fill_null(0),
        unknown=ibis.cases((rows.value.isnull(), NO_AMOUNTS)),
    )
