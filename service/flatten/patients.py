"""Patient resources in, one row a patient out; `why` says what a row is set aside for."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import META, text
from service.flatten.facts import Fact
from service.flatten.origin import Origin
from service.flatten.times import PERIOD, first_date, partial

REFERENCE = "struct<reference: string>"
EXTENSION = "struct<url: string, valueBoolean: boolean>"
LANGUAGE = "struct<language: struct<coding: array<struct<system: string, code: string>>>, preferred: boolean>"
COLUMNS = {
    "id": "string",
    "meta": META.removesuffix(">") + ", tag: array<struct<system: string, code: string>>>",
    "active": "boolean",
    "birthDate": "string",
    "deceasedBoolean": "boolean",
    "deceasedDateTime": "string",
    "managingOrganization": REFERENCE,
    "generalPractitioner": f"array<{REFERENCE}>",
    "communication": f"array<{LANGUAGE}>",
    "extension": f"array<{EXTENSION}>",
    "link": "array<struct<other: struct<reference: string, identifier: struct<value: string>>, type: string>>",
}
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
ANIMAL = "http://hl7.org/fhir/StructureDefinition/patient-animal"
DISABILITY = "http://hl7.org/fhir/StructureDefinition/patient-disability"


def rows(patient: ir.Table, origin: Origin) -> ir.Table:
    """`birth_date` is the first day of the period given, `birth_date_partial` says that it was a year or a month.

    `deceased_at` is the last moment of the day, month or year given: nobody is dead before that is certain.
    """
    interpreter = patient.extension.filter(lambda e: e.url == INTERPRETER)
    spoken = patient.communication
    preferred = ibis.coalesce(spoken.filter(lambda c: c.preferred)[0], spoken[0])
    return patient.select(
        patient="Patient/" + patient.id,
        id=patient.id,
        version=patient.meta.versionId,
        active=patient.active.fill_null(True),
        birth_date=first_date(patient.birthDate),
        birth_date_partial=partial(patient.birthDate),
        deceased=ibis.coalesce(patient.deceasedBoolean, patient.deceasedDateTime.notnull()),
        deceased_at=origin.calendar.last(patient.deceasedDateTime),
        organization=origin.reference(patient.managingOrganization.reference, "Organization"),
        general_practitioner=origin.reference(
            patient.generalPractitioner[0].reference, "Practitioner", "PractitionerRole", "Organization"
        ),
        interpreter=_any(interpreter.filter(lambda e: e.valueBoolean)),
        interpreter_declined=_any(interpreter.filter(lambda e: ~e.valueBoolean)),
        language=preferred.language.coding[0].code,
        preferred_language=spoken.filter(lambda c: c.preferred)[0].language.coding[0].code,
        tags=ibis.coalesce(patient.meta.tag.map(text), ibis.literal([], "array<string>")),
        disability=_any(patient.extension.filter(lambda e: e.url == DISABILITY)),
        why=ibis.cases(
            (patient.id.isnull(), "no id"),
            (_any(patient.extension.filter(lambda e: e.url == ANIMAL)), "an animal"),
            else_=ibis.null("string"),
        ),
        note_birth_date_partial=partial(patient.birthDate),
        note_birth_date_unreadable=patient.birthDate.notnull() & ~patient.birthDate.re_search(PERIOD),
        note_deceased_unreadable=patient.deceasedDateTime.notnull()
        & origin.calendar.last(patient.deceasedDateTime).isnull(),
    )


def _any(found: ir.ArrayValue) -> ir.BooleanValue:
    return (found.length() > 0).fill_null(False)


FACT = Fact("patients", "Patient", COLUMNS, rows)
