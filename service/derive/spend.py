"""What payers say of claims in, what they allow and pay and what is left to the patient out, by currency.

A claim and its explanation are one event, and no amount is told twice: see adjudications.py, amounts.py, settlement.py.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.compose.canonical import NO_CURRENCY
from service.derive.amounts import ALLOWED, INSURER_PAID, LIABILITY, PATIENT_PAID
from service.derive.charges import by_currency
from service.derive.events import Events
from service.derive.measure import ADJUDICATED, NOT_ADJUDICATED, measure
from service.derive.settlement import bills, settled
from service.derive.windows import MONTH, WEEK, YEAR, Window


@measure(
    "allowed-amount", title="Allowed amount", dimension="affordability", unit=NO_CURRENCY, windows=(YEAR,),
    needs=ADJUDICATED,
)  # fmt: skip
def allowed_amount(events: Events, window: Window) -> ir.Table:
    """What the plans reckon with at most, as the explanations of the claims state it; known as patient liability is."""
    return _said(events, ALLOWED, window)


@measure(
    "insurer-paid", title="Paid by insurers", dimension="affordability", unit=NO_CURRENCY, windows=(YEAR,),
    needs=ADJUDICATED,
)  # fmt: skip
def insurer_paid(events: Events, window: Window) -> ir.Table:
    """The benefit of the plans, else what they paid to providers and to the patient, as the explanations of the claims
    state it; known as patient liability is."""
    return _said(events, INSURER_PAID, window)


@measure(
    "patient-liability", title="Patient liability", dimension="affordability", unit=NO_CURRENCY,
    windows=(WEEK, MONTH, YEAR), needs=ADJUDICATED,
)  # fmt: skip
def patient_liability(events: Events, window: Window) -> ir.Table:
    """What is left to the patient, currency by currency, as the explanations of the claims state it: the member
    liability, else copay, deductible and coinsurance; totals of the header, else the items' adjudications; of several
    explanations of a claim the latest, with its reversals. Dated as the claim. No claims: zero, in no currency; claims
    without an explanation: unknown. Coverage: claims of which it is known among all."""
    return _said(events, LIABILITY, window)


@measure(
    "patient-paid", title="Paid by the patient", dimension="affordability", unit=NO_CURRENCY, windows=(YEAR,),
    needs=ADJUDICATED,
)  # fmt: skip
def patient_paid(events: Events, window: Window) -> ir.Table:
    """What the patient has paid, as the explanations of the claims state it, never reckoned from what is owed; known as
    patient liability is."""
    return _said(events, PATIENT_PAID, window)


def _said(events: Events, kind: str, window: Window) -> ir.Table:
    every, money = events.once(bills), events.once(settled)
    within = every.filter(window.holds(every.at, events.engine))
    decided = within.group_by("patient").agg(decided=within.adjudicated.any())
    rows = by_currency(events, every, money.filter(money.kind == kind), window)
    joined = rows.inner_join(decided, "patient")
    return joined.mutate(unknown=ibis.cases((~joined.decided, NOT_ADJUDICATED), else_=joined.unknown)).drop("decided")
