"""CodeableConcepts and security labels in, texts `system|code` and yes or no out."""

from __future__ import annotations

from collections.abc import Collection

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
    texts = concepts.map(lambda concept: concept.coding.map(text))
    return ibis.coalesce(texts.flatten(), ibis.literal([], "array<string>"))


def codes_of(concept: ir.StructValue) -> ir.ArrayValue:
    """The codings of one concept, as `system|code`."""
    return concept.coding.map(text)


def first_code(concept: ir.StructValue) -> ir.StringValue:
    return concept.coding[0].code


def sensitive(meta: ir.StructValue, labels: Collection[str] = ()) -> ir.BooleanValue:
    """Labelled restricted or very restricted, or with one of `labels`, texts `system|code`.

    A label that names no system is taken at its word.
    """
    borne = meta.security.filter(lambda label: _restricts(label) | text(label).isin([*labels]))
    return (borne.length() > 0).fill_null(False)


def _restricts(label: ir.StructValue) -> ir.BooleanValue:
    return label.code.isin(RESTRICTED) & (label.system.isnull() | label.system.isin(CONFIDENTIALITY))


def text(coding: ir.StructValue) -> ir.StringValue:
    """`system|code`; a coding without a system begins with the bar."""
    return coding.system.fill_null("") + "|" + coding.code
