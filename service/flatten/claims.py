"""Claim resources in, one row a claim out, of whatever status and use; `why` says what a row is set aside for."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import CONCEPT, META, sensitive
from service.flatten.facts import Fact
from service.flatten.money import AMOUNT, amount, currency, unreadable
from service.flatten.references import reference, unresolved
from service.flatten.times import Calendar, partial

REFERENCE = "struct<reference: string>"
PERIOD = "struct<start: string>"
QUANTITY = "struct<value: string>"
ITEM = (
    f"struct<sequence: string, encounter: array<{REFERENCE}>, servicedDate: string, servicedPeriod: {PERIOD},"
    f" quantity: {QUANTITY}, unitPrice: {AMOUNT}, factor: string, net: {AMOUNT}>"
)
COLUMNS = {
    "id": "string",
    "meta": META,
    "status": "string",
    "use": "string",
    "patient": "struct<reference: string, identifier: struct<value: string>>",
    "created": "string",
    "billablePeriod": PERIOD,
    "related": f"array<struct<claim: {REFERENCE}, relationship: {CONCEPT}>>",
    "item": f"array<{ITEM}>",
    "total": AMOUNT,
}


def rows(claim: ir.Table, calendar: Calendar) -> ir.Table:
    """`at` is the start of the billable period, else the earliest service, else the day the claim was made."""
    at = _at(claim, calendar)
    return claim.select(
        patient=reference(claim.patient.reference, "Patient"),
        id=claim.id,
        version=claim.meta.versionId,
        status=claim.status,
        use=claim.use,
        at=at,
        created=calendar.start(claim.created),
        total=amount(claim.total.value),
        currency=ibis.cases((claim.total.value.notnull(), currency(claim.total))),
        encounters=_encounters(claim),
        prior=_prior(claim.related),
        sensitive=sensitive(claim.meta),
        why=_why(claim, at),
        note_date_partial=partial(_when(claim)),
        note_item_amount_unreadable=_an_item_is_unreadable(claim),
    )


def _when(claim: ir.Table) -> ir.StringValue:
    served = claim.item.map(lambda item: ibis.coalesce(item.servicedDate, item.servicedPeriod.start))
    return ibis.coalesce(claim.billablePeriod.start, served.filter(lambda date: date.notnull())[0], claim.created)


def _at(claim: ir.Table, calendar: Calendar) -> ir.TimestampValue:
    served = claim.item.map(lambda item: calendar.start(ibis.coalesce(item.servicedDate, item.servicedPeriod.start)))
    return ibis.cases(
        (claim.billablePeriod.start.notnull(), calendar.start(claim.billablePeriod.start)),
        else_=ibis.coalesce(served.mins(), calendar.start(claim.created)),
    )


def _encounters(claim: ir.Table) -> ir.ArrayValue:
    named = claim.item.map(lambda item: item.encounter.map(lambda e: reference(e.reference, "Encounter"))).flatten()
    return ibis.coalesce(named.filter(lambda e: e.notnull()).unique(), ibis.literal([], "array<string>"))


def _prior(related: ir.ArrayValue) -> ir.ArrayValue:
    """The claims that this one replaces."""
    earlier = related.filter(lambda r: r.relationship.coding.filter(lambda c: c.code == "prior").length() > 0)
    named = earlier.map(lambda r: reference(r.claim.reference, "Claim")).filter(lambda c: c.notnull())
    return ibis.coalesce(named, ibis.literal([], "array<string>"))


def _why(claim: ir.Table, at: ir.TimestampValue) -> ir.StringValue:
    untotalled = claim.total.value.isnull()
    return ibis.cases(
        (claim.id.isnull(), "no id"),
        (reference(claim.patient.reference, "Patient").isnull(), unresolved(claim.patient, "patient")),
        (claim.status.isnull(), "the status is unknown"),
        (_when(claim).isnull(), "no date"),
        (at.isnull(), "the date is no FHIR dateTime"),
        (unreadable(claim.total.value), "the total is no amount"),
        (~untotalled & currency(claim.total).isnull(), "the total names no currency"),
        (untotalled & _an_item_is_unreadable(claim), "no total, and the amount of an item cannot be read"),
        else_=ibis.null("string"),
    )


def _an_item_is_unreadable(claim: ir.Table) -> ir.BooleanValue:
    bad = claim.item.filter(
        lambda item: (
            unreadable(item.net.value)
            | unreadable(item.quantity.value)
            | unreadable(item.unitPrice.value)
            | unreadable(item.factor)
        )
    )
    return (bad.length() > 0).fill_null(False)


FACT = Fact("claims", "Claim", COLUMNS, rows)
