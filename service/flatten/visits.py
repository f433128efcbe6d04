"""Encounter resources in, one row a visit out, of whatever status; `why` says what a row is set aside for."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import CONCEPT, META, codes, first_code
from service.flatten.facts import Fact
from service.flatten.origin import Origin
from service.flatten.times import partial, timed

REFERENCE = "struct<reference: string>"
SUBJECT = "struct<reference: string, identifier: struct<value: string>>"
COLUMNS = {
    "id": "string",
    "meta": META,
    "status": "string",
    "class": "struct<system: string, code: string>",
    "type": f"array<{CONCEPT}>",
    "subject": SUBJECT,
    "participant": f"array<struct<type: array<{CONCEPT}>, individual: {REFERENCE}>>",
    "period": "struct<start: string, end: string>",
    "reasonCode": f"array<{CONCEPT}>",
    "reasonReference": f"array<{REFERENCE}>",
    "diagnosis": f"array<struct<condition: {REFERENCE}>>",
    "hospitalization": f"struct<admitSource: {CONCEPT}, dischargeDisposition: {CONCEPT}>",
    "location": f"array<struct<location: {REFERENCE}>>",
    "serviceProvider": REFERENCE,
    "partOf": REFERENCE,
}
ACT_CODE = (
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://hl7.org/fhir/v3/ActCode",  # STU3
    "urn:oid:2.16.840.1.113883.5.4",
)
GROUPS = {"outpatient": ("AMB", "VR", "HH"), "emergency": ("EMER",), "inpatient": ("IMP", "ACUTE", "NONAC")}
DATED = ("finished", "in-progress", "arrived", "triaged", "onleave", "cancelled")
UNDATED = ("planned", "entered-in-error")  # count nowhere, so they may lack what a visit needs


def rows(encounter: ir.Table, origin: Origin) -> ir.Table:
    """Statuses and classes as FHIR codes; `class_group` is outpatient, emergency, inpatient or other.

    `clinician` may be a PractitionerRole: the roles that were pulled say whose.
    """
    calendar, period = origin.calendar, encounter.period
    encounter = encounter.mutate(
        patient=origin.reference(encounter.subject.reference, "Patient"),
        start=calendar.start(period.start),
        end=calendar.start(period.end),
        last=calendar.last(period.end),
        group=_group(encounter["class"]),
        clinician=_clinician(encounter.participant, origin),
    )
    start, end = encounter.start, encounter.end
    # Not the first moment of its end, which may be given to the day, or the month.
    backwards = (encounter.last < start).fill_null(False)
    return encounter.select(
        patient=encounter.patient,
        id=encounter.id,
        version=encounter.meta.versionId,
        status=encounter.status,
        class_code=encounter["class"].code,
        class_group=encounter.group,
        start=start,
        # An end given to the day only may lie, read as midnight, before a start on that day.
        end=ibis.cases((end.notnull() & ~backwards, ibis.greatest(end, start))),
        start_partial=partial(encounter.period.start),
        start_timed=timed(encounter.period.start),
        clinician=encounter.clinician,
        organization=origin.reference(encounter.serviceProvider.reference, "Organization"),
        site=origin.reference(encounter.location[0].location.reference, "Location"),
        part_of=origin.reference(encounter.partOf.reference, "Encounter"),
        types=codes(encounter["type"]),
        reasons=codes(encounter.reasonCode),
        admit_source=first_code(encounter.hospitalization.admitSource),
        discharge_disposition=first_code(encounter.hospitalization.dischargeDisposition),
        sensitive=encounter.sensitive,
        why=_why(encounter, origin),
        note_start_partial=partial(encounter.period.start),
        note_end_before_start=backwards,
        note_end_unreadable=encounter.period.end.notnull() & end.isnull(),
        note_reference_elsewhere=_leads_elsewhere(encounter, origin),
        note_class_other=encounter.group == "other",
        note_practitioner_unresolved=encounter.clinician.isnull() & _names_a_practitioner(encounter),
    )


def _why(encounter: ir.Table, origin: Origin) -> ir.StringValue:
    dated = encounter.status.isin(DATED)
    return ibis.cases(
        (encounter.id.isnull(), "no id"),
        (encounter.patient.isnull(), origin.unresolved(encounter.subject, "subject")),
        (encounter.status.isnull() | (encounter.status == "unknown"), "the status is unknown"),
        (~encounter.status.isin(DATED + UNDATED), "the status is none of Encounter's"),
        (dated & encounter.period.start.isnull(), "no start"),
        (dated & encounter.start.isnull(), "the start is no FHIR dateTime"),
        else_=ibis.null("string"),
    )


def _group(coding: ir.StructValue) -> ir.StringValue:
    """A local code system, or none at all, may use the same letters for something else."""
    ours = coding.system.isin(ACT_CODE)
    return ibis.cases(*((ours & coding.code.isin(members), name) for name, members in GROUPS.items()), else_="other")


def _clinician(participants: ir.ArrayValue, origin: Origin) -> ir.StringValue:
    """The primary performer, else the attender, else the first; other kinds of participant are no clinicians."""
    known = participants.map(
        lambda p: ibis.struct(
            {
                "who": origin.reference(p.individual.reference, "Practitioner", "PractitionerRole"),
                "roles": p["type"].map(lambda t: t.coding.map(lambda c: c.code)).flatten(),
            }
        )
    ).filter(lambda p: p.who.notnull())
    return ibis.coalesce(
        known.filter(lambda p: p.roles.contains("PPRF"))[0].who,
        known.filter(lambda p: p.roles.contains("ATND"))[0].who,
        known[0].who,
    )


def _leads_elsewhere(encounter: ir.Table, origin: Origin) -> ir.BooleanValue:
    """To another server's organisation, site or visit, which is none of those that have that id here."""
    named = (encounter.serviceProvider, encounter.location[0].location, encounter.partOf)
    return ibis.or_(*(origin.elsewhere(each.reference) for each in named))


def _names_a_practitioner(encounter: ir.Table) -> ir.BooleanValue:
    """Contained and urn references do; a patient's relative does not."""
    named = encounter.participant.filter(lambda p: p.individual.reference.re_search("^(#|urn:|.*Practitioner)"))
    return (named.length() > 0).fill_null(False)


FACT = Fact("visits", "Encounter", COLUMNS, rows)
