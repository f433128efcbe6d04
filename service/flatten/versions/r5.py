"""R5 -> R4. http://hl7.org/fhir/R5/encounter.html and its siblings, tab "R4 Conversions"."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.claims import ITEM
from service.flatten.codings import CONCEPT
from service.flatten.versions.shape import Shape
from service.flatten.visits import ACT_CODE

REFERENCE = "struct<reference: string>"
CONCEPT_OR_REFERENCE = f"struct<concept: {CONCEPT}, reference: {REFERENCE}>"
# `discontinued` is a visit once it has begun.
STATUSES = {"completed": "finished", "discharged": "finished", "on-hold": "onleave"}
BEGUN = {True: "finished", False: "cancelled"}


def status(visit: ir.Table) -> ir.StringValue:
    begun = visit.actualPeriod.start.notnull().ifelse(BEGUN[True], BEGUN[False])
    return visit.status.cases(*STATUSES.items(), ("discontinued", begun), else_=visit.status)


def one_class(visit: ir.Table) -> ir.StructValue:
    """Of several the one that everybody knows."""
    codings = visit["class"].map(lambda concept: concept.coding).flatten()
    return ibis.coalesce(codings.filter(lambda coding: coding.system.isin(ACT_CODE))[0], codings[0])


def participant(visit: ir.Table) -> ir.ArrayValue:
    return visit.participant.map(lambda each: ibis.struct({"type": each["type"], "individual": each.actor}))


def reason_code(visit: ir.Table) -> ir.ArrayValue:
    """R4 has no coded diagnosis: what is coded there is a reason."""
    said = [each.map(lambda e: e.concept).filter(lambda c: c.coding.notnull()) for each in _why(visit)]
    return said[0].concat(said[1])


def reason_reference(visit: ir.Table) -> ir.ArrayValue:
    return _referred(_why(visit)[0])


def diagnosis(visit: ir.Table) -> ir.ArrayValue:
    return _referred(_why(visit)[1]).map(lambda reference: ibis.struct({"condition": reference}))


def _why(visit: ir.Table) -> tuple[ir.ArrayValue, ir.ArrayValue]:
    """Reasons and diagnoses, each a concept or a reference."""
    none = ibis.literal([], f"array<{CONCEPT_OR_REFERENCE}>")
    reasons = visit.reason.map(lambda each: each.value).flatten()
    found = visit.diagnosis.map(lambda each: each.condition).flatten()
    return ibis.coalesce(reasons, none), ibis.coalesce(found, none)


def _referred(several: ir.ArrayValue) -> ir.ArrayValue:
    return several.map(lambda each: each.reference).filter(lambda r: r.reference.notnull())


def item(claim: ir.Table) -> ir.ArrayValue:
    """The header may name the visits; then they are those of one more item, which bears nothing else."""
    own = ibis.coalesce(claim.item, ibis.literal([], f"array<{ITEM}>"))
    fields = {name: ibis.null(dtype) for name, dtype in ibis.dtype(ITEM).items()} | {"encounter": claim.encounter}
    more = ibis.array([ibis.struct(fields).cast(ITEM)])
    return ibis.cases((claim.encounter.length() > 0, own.concat(more)), else_=own)


R5 = {
    "Encounter": Shape(
        reads={
            "status": "string",
            "class": f"array<{CONCEPT}>",
            "actualPeriod": "struct<start: string, end: string>",
            "participant": f"array<struct<type: array<{CONCEPT}>, actor: {REFERENCE}>>",
            "reason": f"array<struct<value: array<{CONCEPT_OR_REFERENCE}>>>",
            "diagnosis": f"array<struct<condition: array<{CONCEPT_OR_REFERENCE}>>>",
            "admission": f"struct<admitSource: {CONCEPT}, dischargeDisposition: {CONCEPT}>",
        },
        makes={
            "status": status,
            "class": one_class,
            "period": lambda visit: visit.actualPeriod,
            "participant": participant,
            "reasonCode": reason_code,
            "reasonReference": reason_reference,
            "diagnosis": diagnosis,
            "hospitalization": lambda visit: visit.admission,
        },
    ),
    "Claim": Shape(reads={"item": f"array<{ITEM}>", "encounter": f"array<{REFERENCE}>"}, makes={"item": item}),
}
