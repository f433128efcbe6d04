"""STU3 -> R4: http://hl7.org/fhir/STU3/, and the tab "R3 Conversions" of R4's pages."""

from __future__ import annotations

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from service.flatten.adjudications import ADDED, ADJUDICATION
from service.flatten.codings import CONCEPT
from service.flatten.money import AMOUNT
from service.flatten.patients import ANIMAL, EXTENSION
from service.flatten.versions.shape import Shape

REFERENCE = "struct<reference: string>"
CATEGORY = "http://terminology.hl7.org/CodeSystem/adjudication"
USES = {"complete": "claim", "proposed": "preauthorization", "exploratory": "predetermination"}


def use(claim: ir.Table) -> ir.StringValue:
    """`other` is none of R4's, and stays what it is."""
    return claim.use.cases(*USES.items(), else_=claim.use)


def total(settled: ir.Table) -> ir.ArrayValue:
    """What R4 says by category, STU3 says by element."""
    said = ibis.array([_adjudicated("submitted", settled.totalCost), _adjudicated("benefit", settled.totalBenefit)])
    return said.filter(lambda each: each.amount.value.notnull())


def added(settled: ir.Table) -> ir.ArrayValue:
    """A deductible that no item bears comes on top of theirs, as that of one more item."""
    own = ibis.coalesce(settled.addItem, ibis.literal([], f"array<{ADDED}>"))
    deducted = ibis.array([_adjudicated("deductible", settled.unallocDeductable)])
    more = ibis.array([ibis.struct({"adjudication": deducted}).cast(ADDED)])
    return ibis.cases((settled.unallocDeductable.value.notnull(), own.concat(more)), else_=own)


def _adjudicated(code: str, money: ir.StructValue) -> ir.StructValue:
    category = ibis.struct({"coding": ibis.array([ibis.struct({"system": CATEGORY, "code": code})])})
    return ibis.struct({"category": category, "amount": money}).cast(ADJUDICATION)


def extension(patient: ir.Table) -> ir.ArrayValue:
    """An animal is told by an element; R4 tells it by an extension."""
    own = ibis.coalesce(patient.extension, ibis.literal([], f"array<{EXTENSION}>"))
    more = ibis.array([ibis.struct({"url": ANIMAL, "valueBoolean": ibis.null("boolean")}).cast(EXTENSION)])
    return ibis.cases((patient.animal.notnull(), own.concat(more)), else_=own)


outcome: Callable[[ir.Table], ir.StringValue] = lambda settled: settled.outcome.coding[0].code  # noqa: E731 - an entry

SETTLED = Shape(
    reads={
        "outcome": CONCEPT,
        "totalCost": AMOUNT,
        "totalBenefit": AMOUNT,
        "unallocDeductable": AMOUNT,
        "addItem": f"array<{ADDED}>",
    },
    makes={"outcome": outcome, "total": total, "addItem": added, "use": lambda settled: ibis.literal("claim")},  # noqa: ARG005
)

STU3 = {
    "Patient": Shape(reads={"animal": "string", "extension": f"array<{EXTENSION}>"}, makes={"extension": extension}),
    "Encounter": Shape(
        reads={"reason": f"array<{CONCEPT}>"},
        makes={"reasonCode": lambda visit: visit.reason},
    ),
    "Condition": Shape(
        reads={"context": REFERENCE, "assertedDate": "string"},
        makes={"encounter": lambda told: told.context, "recordedDate": lambda told: told.assertedDate},
    ),
    "Claim": Shape(reads={"use": "string"}, makes={"use": use}),
    "ExplanationOfBenefit": SETTLED,
    "ClaimResponse": SETTLED,
}
