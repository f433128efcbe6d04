"""Claims, visits and Conditions in, one row for each code of a diagnosis out, or for a reference to a Condition.

What names a Condition without a code of its own is `referenced_only`: nothing is known of it but through that
Condition, and where Conditions are not read, nothing at all. Whether the claim or visit counts is told by its own row.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten import claims, visits
from service.flatten.codings import CONCEPT, META
from service.flatten.facts import Fact
from service.flatten.origin import Origin

REFERENCE = "struct<reference: string>"
CONDITION = {
    "id": "string",
    "meta": META,
    "subject": "struct<reference: string, identifier: struct<value: string>>",
    "encounter": REFERENCE,
    "code": CONCEPT,
    "verificationStatus": "string",  # its JSON text: a CodeableConcept, in STU3 a code
    "recordedDate": "string",
    "onsetDateTime": "string",
    "onsetPeriod": "struct<start: string>",
}
NOT_MEANT = '(^|")(entered-in-error|refuted)("|$)'
HEAD = ("patient", "id", "resource", "version", "at", "encounter", "claim", "sensitive", "why")


def of_claims(claim: ir.Table, origin: Origin) -> ir.Table:
    """Claim.diagnosis, dated as its claim is."""
    about = {"claim": "Claim/" + claim.id, "encounter": ibis.null("string")}
    headed = _headed(claim, "Claim", claim.patient, claims.occurred(claim, origin), about, origin)
    each = headed.mutate(diagnosis=headed.diagnosis.unnest())
    concept, led_to = each.diagnosis.diagnosisCodeableConcept, each.diagnosis.diagnosisReference
    return _coded(each, concept).union(_referred(each.filter(_says_nothing(concept)), led_to, origin))


def of_visits(encounter: ir.Table, origin: Origin) -> ir.Table:
    """Encounter.reasonCode, and the Conditions that reasonReference and diagnosis lead to, dated at the start."""
    about = {"encounter": "Encounter/" + encounter.id, "claim": ibis.null("string")}
    at = origin.calendar.start(encounter.period.start)
    headed = _headed(encounter, "Encounter", encounter.subject, at, about, origin)
    reasons = headed.mutate(named=headed.reasonCode.unnest())
    causes = headed.mutate(named=headed.reasonReference.unnest())
    found = headed.mutate(named=headed.diagnosis.unnest())
    return ibis.union(
        _coded(reasons, reasons.named),
        _referred(causes, causes.named, origin),
        _referred(found, found.named.condition, origin),
    )


def of_conditions(condition: ir.Table, origin: Origin) -> ir.Table:
    """Condition.code unless refuted or entered in error; dated when it was recorded, else at its onset."""
    meant = condition.filter(~condition.verificationStatus.re_search(NOT_MEANT).fill_null(False))
    text = ibis.coalesce(meant.recordedDate, meant.onsetDateTime, meant.onsetPeriod.start)
    about = {"encounter": origin.reference(meant.encounter.reference, "Encounter"), "claim": ibis.null("string")}
    at = origin.calendar.start(text)
    headed = _headed(meant, "Condition", meant.subject, at, about, origin, _why(meant, text, at, origin))
    misfits = headed.filter(headed.why.notnull())
    return _coded(headed.filter(headed.why.isnull()), headed.code).union(_row(misfits))


def _why(condition: ir.Table, text: ir.StringValue, at: ir.TimestampValue, origin: Origin) -> ir.StringValue:
    return ibis.cases(
        (condition.id.isnull(), "no id"),
        (
            origin.reference(condition.subject.reference, "Patient").isnull(),
            origin.unresolved(condition.subject, "subject"),
        ),
        (text.isnull(), "no date"),
        (at.isnull(), "the date is no FHIR dateTime"),
        else_=ibis.null("string"),
    )


def _headed(
    resource: ir.Table,
    kind: str,
    subject: ir.StructValue,
    at: ir.TimestampValue,
    about: dict[str, ir.StringValue],
    origin: Origin,
    why: ir.StringValue | None = None,
) -> ir.Table:
    return resource.mutate(
        patient=origin.reference(subject.reference, "Patient"),
        resource=ibis.literal(kind),
        version=resource.meta.versionId,
        at=at,
        why=ibis.null("string") if why is None else why,
        **about,
    )


def _says_nothing(concept: ir.StructValue) -> ir.BooleanValue:
    return (concept.coding.length() == 0).fill_null(True)


def _coded(each: ir.Table, concept: ir.StructValue) -> ir.Table:
    """One diagnosis may be coded in several systems: `concept`, all its codes, tells that these rows are one."""
    whole = concept.coding.map(lambda c: c.system.fill_null("") + "|" + c.code).join(" ")
    listed = each.mutate(concept=whole, coding=concept.coding.unnest())
    said = {"system": listed.coding.system, "code": listed.coding.code, "concept": listed.concept}
    return _row(listed.filter(listed.coding.code.notnull()), **said)


def _referred(each: ir.Table, holder: ir.StructValue, origin: Origin) -> ir.Table:
    led = each.mutate(condition=origin.reference(holder.reference, "Condition"))
    return _row(led.filter(led.condition.notnull()), condition=led.condition)


def _row(each: ir.Table, **said: ir.StringValue) -> ir.Table:
    """`condition` is the Condition referred to where that is all."""
    columns = {name: said.get(name, ibis.null("string")) for name in ("system", "code", "concept", "condition")}
    return each.select(*HEAD, **columns, referenced_only=ibis.literal("condition" in said))


CLAIMS = Fact("diagnoses", "Claim", claims.COLUMNS, of_claims, follows="claims")
VISITS = Fact("diagnoses", "Encounter", visits.COLUMNS, of_visits, follows="visits")
CONDITIONS = Fact("diagnoses", "Condition", CONDITION, of_conditions)
