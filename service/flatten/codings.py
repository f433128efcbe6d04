"""CodeableConcepts and security labels in, texts `system|code` and yes or no out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

CONCEPT = "struct<coding: array<struct<system: string, code: string>>>"
META = "struct<versionId: string, lastUpdated: string, security: array<struct<system: string, code: string>>>"

CONFIDENTIALITY = (
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "http://hl7.org/fhir/v3/Confidentiality",  # STU3
)
RESTRICTED = ("R", "V")


def codes(concepts: ir.ArrayValue) -> ir.ArrayValue:
    """All codings of a list of concepts, as `system|code`; an empty array where there are none."""
    texts = concepts.map(lambda concept: concept.coding.map(lambda c: c.system.fill_null("") + "|" + c.code))
    return ibis.coalesce(texts.flatten(), ibis.literal([], "array<string>"))


def first_code(concept: ir.StructValue) -> ir.StringValue:
    return concept.coding[0].code


def sensitive(meta: ir.StructValue) -> ir.BooleanValue:
    """Labelled restricted or very restricted; a label that names no system is taken at its word."""
    labels = meta.security.filter(
        lambda label: label.code.isin(RESTRICTED) & (label.system.isnull() | label.system.isin(CONFIDENTIALITY))
    )
    return (labels.length() > 0).fill_null(False)
