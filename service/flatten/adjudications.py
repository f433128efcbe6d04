"""ExplanationOfBenefit and ClaimResponse in: one row for each out, of whatever status and use.

They say what became of a claim; the amounts they say it with are `payments`.
"""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from service.flatten.claims import PERIOD, REFERENCE, encounters, occurred, prior, stated_date
from service.flatten.codings import CONCEPT, META
from service.flatten.facts import Fact
from service.flatten.money import AMOUNT, misnamed, unnamed, unreadable
from service.flatten.origin import Origin

EXPLANATION, RESPONSE = "ExplanationOfBenefit", "ClaimResponse"
ADJUDICATION = f"struct<category: {CONCEPT}, amount: {AMOUNT}>"
ITEM = (
    f"struct<servicedDate: string, servicedPeriod: {PERIOD}, encounter: array<{REFERENCE}>,"
    f" adjudication: array<{ADJUDICATION}>>"
)
ADDED = f"struct<adjudication: array<{ADJUDICATION}>>"
# One shape for both: what only one of them has is null in the other.
COLUMNS = {
    "id": "string",
    "meta": META,
    "status": "string",
    "use": "string",
    "outcome": "string",
    "patient": "struct<reference: string, identifier: struct<value: string>>",
    "created": "string",
    "billablePeriod": PERIOD,
    "claim": REFERENCE,
    "request": REFERENCE,  # ClaimResponse's claim
    "related": f"array<struct<claim: {REFERENCE}, relationship: {CONCEPT}>>",
    "item": f"array<{ITEM}>",
    "addItem": f"array<{ADDED}>",
    "adjudication": f"array<{ADJUDICATION}>",
    "total": f"array<{ADJUDICATION}>",
    "patientPaid": AMOUNT,  # R5
}


def rows_of(kind: str) -> Callable[[ir.Table, Origin], ir.Table]:
    """`at` is the day of service, as a claim's is; the claim's own goes before it where the claim is there."""

    def rows(resource: ir.Table, origin: Origin) -> ir.Table:
        resource = resource.mutate(
            whose=origin.reference(resource.patient.reference, "Patient"), at=occurred(resource, origin)
        )
        return resource.select(
            patient=resource.whose,
            id=resource.id,
            resource=ibis.literal(kind),
            version=resource.meta.versionId,
            claim=origin.reference(ibis.coalesce(resource.claim.reference, resource.request.reference), "Claim"),
            at=resource.at,
            created=origin.calendar.start(resource.created),
            status=resource.status,
            use=resource.use,
            outcome=resource.outcome,
            encounters=encounters(resource, origin),
            prior=prior(resource.related, origin, "Claim", EXPLANATION),
            sensitive=resource.sensitive,
            why=_why(resource, origin),
            note_amount_without_currency=_some_amount(resource, unnamed),
        )

    return rows


def _why(resource: ir.Table, origin: Origin) -> ir.StringValue:
    """One amount that cannot be read sets all aside: the rest would pass for the whole."""
    return ibis.cases(
        (resource.id.isnull(), "no id"),
        (resource.whose.isnull(), origin.unresolved(resource.patient, "patient")),
        (resource.status.isnull(), "the status is unknown"),
        (stated_date(resource).isnull(), "no date"),
        (resource.at.isnull(), "the date is no FHIR dateTime"),
        (_some_amount(resource, lambda money: unreadable(money.value)), "an amount cannot be read"),
        (_some_amount(resource, misnamed), "an amount's currency is no code of ISO 4217"),
        else_=ibis.null("string"),
    )


def _some_amount(resource: ir.Table, is_so: Callable[[ir.StructValue], ir.BooleanValue]) -> ir.BooleanValue:
    lists = (resource.total, resource.adjudication, at_items(resource), at_added_items(resource))
    found = (said.filter(lambda each: is_so(each.amount)).length() > 0 for said in lists)
    return ibis.or_(*(each.fill_null(False) for each in found), is_so(resource.patientPaid).fill_null(False))


def at_items(resource: ir.Table) -> ir.ArrayValue:
    return resource.item.map(lambda item: item.adjudication).flatten()


def at_added_items(resource: ir.Table) -> ir.ArrayValue:
    """Of services that the payer added to the claim's own."""
    return resource.addItem.map(lambda item: item.adjudication).flatten()


EXPLANATIONS = Fact("adjudications", EXPLANATION, COLUMNS, rows_of(EXPLANATION))
RESPONSES = Fact("adjudications", RESPONSE, COLUMNS, rows_of(RESPONSE))
