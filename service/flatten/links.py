"""Patient resources in, one row for each `Patient.link` out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.facts import Fact
from service.flatten.origin import Origin
from service.flatten.patients import COLUMNS

RELATED_PERSON = "^(https?://.*/)?RelatedPerson/"


def rows(patient: ir.Table, origin: Origin) -> ir.Table:
    """`other` is the record that `patient` has `type` to; links to a RelatedPerson are no second Patient record."""
    link = patient.select("id", version=patient.meta.versionId, link=patient.link.unnest())
    link = link.filter(~link.link.other.reference.re_search(RELATED_PERSON).fill_null(False))
    other = origin.reference(link.link.other.reference, "Patient")
    return link.select(
        patient="Patient/" + link.id,
        id=link.id,
        version=link.version,
        other=other,
        type=link.link["type"],
        why=ibis.cases((other.isnull(), origin.unresolved(link.link.other, "link"))),
    )


FACT = Fact("links", "Patient", COLUMNS, rows)
