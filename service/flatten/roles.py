"""PractitionerRole resources in, one row a role out: which Practitioner it is a role of."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import META
from service.flatten.facts import Fact
from service.flatten.origin import Origin

REFERENCE = "struct<reference: string>"
COLUMNS = {"id": "string", "meta": META, "practitioner": REFERENCE, "organization": REFERENCE}


def rows(role: ir.Table, origin: Origin) -> ir.Table:
    """A role that leads to no Practitioner of this server stays a role wherever it is named."""
    practitioner = origin.reference(role.practitioner.reference, "Practitioner")
    return role.select(
        id=role.id,
        version=role.meta.versionId,
        role="PractitionerRole/" + role.id,
        practitioner=practitioner,
        organization=origin.reference(role.organization.reference, "Organization"),
        why=ibis.cases((role.id.isnull(), "no id"), else_=ibis.null("string")),
        note_role_without_a_practitioner=practitioner.isnull(),
    )


FACT = Fact("roles", "PractitionerRole", COLUMNS, rows)
