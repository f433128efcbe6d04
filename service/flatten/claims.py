"""Claim resources in, one row a claim out, of whatever status and use."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import CONCEPT, META
from service.flatten.facts import Fact
from service.flatten.money import AMOUNT, amount, currency, misnamed, unnamed, unreadable
from service.flatten.origin import Origin
from service.flatten.times import partial

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
    "diagnosis": f"array<struct<diagnosisCodeableConcept: {CONCEPT}, diagnosisReference: {REFERENCE}>>",
    "related": f"array<struct<claim: {REFERENCE}, relationship: {CONCEPT}>>",
    "item": f"array<{ITEM}>",
    "total": AMOUNT,
}


def rows(claim: ir.Table, origin: Origin) -> ir.Table:
    """`at` is the start of the billable period, else the earliest service, else the day the claim was made.

    `doubtful`: what it charges is unknown, and `total` and `currency` are null.
    """
    claim = claim.mutate(
        whose=origin.reference(claim.patient.reference, "Patient"),
        date=stated_date(claim),
        at=occurred(claim, origin),
        an_item_is_unreadable=_an_item_is_unreadable(claim),
    )
    claim = claim.mutate(doubt=_doubt(claim))
    doubt = claim.doubt
    return claim.select(
        patient=claim.whose,
        id=claim.id,
        version=claim.meta.versionId,
        status=claim.status,
        use=claim.use,
        at=claim.at,
        created=origin.calendar.start(claim.created),
        total=ibis.cases((doubt.isnull(), amount(claim.total.value))),
        currency=ibis.cases((doubt.isnull() & claim.total.value.notnull(), currency(claim.total))),
        doubtful=doubt.notnull(),
        encounters=encounters(claim, origin),
        prior=prior(claim.related, origin, "Claim"),
        sensitive=claim.sensitive,
        why=_why(claim, origin),
        doubt=doubt,
        note_date_partial=partial(claim.date),
        note_item_amount_unreadable=claim.an_item_is_unreadable,
        note_item_nets_differ_from_the_total=_nets_differ(claim),
    )


def stated_date(claim: ir.Table) -> ir.StringValue:
    served = claim.item.map(lambda item: ibis.coalesce(item.servicedDate, item.servicedPeriod.start))
    return ibis.coalesce(claim.billablePeriod.start, served.filter(lambda date: date.notnull())[0], claim.created)


def occurred(claim: ir.Table, origin: Origin) -> ir.TimestampValue:
    """Of a claim, or of what is said about one."""
    served = claim.item.map(
        lambda item: origin.calendar.start(ibis.coalesce(item.servicedDate, item.servicedPeriod.start))
    )
    return ibis.cases(
        (claim.billablePeriod.start.notnull(), origin.calendar.start(claim.billablePeriod.start)),
        else_=ibis.coalesce(served.mins(), origin.calendar.start(claim.created)),
    )


def encounters(claim: ir.Table, origin: Origin) -> ir.ArrayValue:
    named = claim.item.map(
        lambda item: item.encounter.map(lambda e: origin.reference(e.reference, "Encounter"))
    ).flatten()
    return ibis.coalesce(named.filter(lambda e: e.notnull()).unique(), ibis.literal([], "array<string>"))


def prior(related: ir.ArrayValue, origin: Origin, *types: str) -> ir.ArrayValue:
    """What this one replaces."""
    earlier = related.filter(lambda r: r.relationship.coding.filter(lambda c: c.code == "prior").length() > 0)
    named = earlier.map(lambda r: origin.reference(r.claim.reference, *types)).filter(lambda c: c.notnull())
    return ibis.coalesce(named, ibis.literal([], "array<string>"))


def _why(claim: ir.Table, origin: Origin) -> ir.StringValue:
    return ibis.cases(
        (claim.id.isnull(), "no id"),
        (claim.whose.isnull(), origin.unresolved(claim.patient, "patient")),
        (claim.status.isnull(), "the status is unknown"),
        (claim.date.isnull(), "no date"),
        (claim.at.isnull(), "the date is no FHIR dateTime"),
        else_=ibis.null("string"),
    )


def _doubt(claim: ir.Table) -> ir.StringValue:
    """The claim counts, and what it charges is unknown: which is neither nothing nor the sum of its items."""
    untotalled = claim.total.value.isnull()
    return ibis.cases(
        (unreadable(claim.total.value), "the total is no amount"),
        (amount(claim.total.value) < 0, "the total is negative"),
        (~untotalled & misnamed(claim.total), "the total's currency is no code of ISO 4217"),
        (~untotalled & currency(claim.total).isnull(), "the total names no currency"),
        (untotalled & claim.an_item_is_unreadable, "no total, and the amount of an item cannot be read"),
        (untotalled & _an_item_names_no_currency(claim), "no total, and an item names no currency"),
        else_=ibis.null("string"),
    )


def _an_item_is_unreadable(claim: ir.Table) -> ir.BooleanValue:
    bad = claim.item.filter(
        lambda item: (
            unreadable(item.net.value)
            | unreadable(item.quantity.value)
            | unreadable(item.unitPrice.value)
            | unreadable(item.factor)
            | misnamed(item.net)
            | misnamed(item.unitPrice)
        )
    )
    return (bad.length() > 0).fill_null(False)


def _an_item_names_no_currency(claim: ir.Table) -> ir.BooleanValue:
    bare = claim.item.filter(lambda item: unnamed(item.net) | (item.net.value.isnull() & unnamed(item.unitPrice)))
    return (bare.length() > 0).fill_null(False)


def _nets_differ(claim: ir.Table) -> ir.BooleanValue:
    nets = claim.item.map(lambda item: amount(item.net.value)).filter(lambda net: net.notnull())
    return ((nets.length() > 0) & (nets.sums() != amount(claim.total.value))).fill_null(False)


FACT = Fact("claims", "Claim", COLUMNS, rows)
