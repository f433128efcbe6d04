"""Claims in, billed amounts by currency out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.compose.canonical import NO_CURRENCY
from service.derive.amounts import SUBMITTED
from service.derive.events import Events
from service.derive.measure import NO_AMOUNTS, measure
from service.derive.settlement import billed_by_explanations, bills, settled
from service.derive.windows import MONTH, WEEK, YEAR, Window


@measure(
    "billed-charges", title="Billed charges", dimension="affordability", unit=NO_CURRENCY,
    windows=(WEEK, MONTH, YEAR), needs="Claim",
)  # fmt: skip
def billed_charges(events: Events, window: Window) -> ir.Table:
    """What was charged, currency by currency: Claim.total, else by item its net, else quantity x unit price x factor.
    Active claims for payment; of claims that replace one another the latest. A source without any Claim but with
    ExplanationOfBenefit charges what these say was submitted. No claims: zero, in no currency. Coverage: claims with a
    known amount among all."""
    return by_currency(events, *_billed(events), window)


def _billed(events: Events) -> tuple[ir.Table, ir.Table]:
    if billed_by_explanations(events):
        submitted = events.once(settled)
        return events.once(bills), submitted.filter(submitted.kind == SUBMITTED)
    claims, amounts = events.claims.table, events.claims.amounts
    return claims.rename(bill="id"), amounts.rename(bill="id")


def by_currency(events: Events, bills: ir.Table, amounts: ir.Table, window: Window) -> ir.Table:
    """`bills` (patient, bill, at) and `amounts` (patient, bill, at, currency, amount): a row a patient and currency."""
    bills = bills.filter(window.holds(bills.at, events.engine))
    amounts = amounts.filter(window.holds(amounts.at, events.engine))
    number = bills.group_by("patient").agg(coverage_denominator=bills.count())
    stated = amounts.group_by("patient").agg(coverage_numerator=amounts.bill.nunique())
    sums = amounts.group_by("patient", unit="currency").agg(value=amounts.amount.sum())
    rows = number.left_join(stated, "patient").drop("patient_right").left_join(sums, "patient").drop("patient_right")
    return rows.mutate(
        unit=rows.unit.fill_null(NO_CURRENCY),
        coverage_numerator=rows.coverage_numerator.fill_null(0),
        unknown=ibis.cases((rows.value.isnull(), NO_AMOUNTS)),
    )
