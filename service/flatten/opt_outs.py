"""The opt-out Group in, one row a member out: patients who are never profiled."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import META
from service.flatten.facts import Fact
from service.flatten.origin import Origin

COLUMNS = {
    "id": "string",
    "meta": META,
    "member": "array<struct<entity: struct<reference: string, identifier: struct<value: string>>, inactive: boolean>>",
}


def rows(group: ir.Table, origin: Origin) -> ir.Table:
    """Who left the group is marked inactive there; a member that is no Patient is set aside, for all to see."""
    listed = group.select("id", version=group.meta.versionId, entry=group.member.unnest())
    member = origin.reference(listed.entry.entity.reference, "Patient")
    present = listed.mutate(member=member).filter(~listed.entry.inactive.fill_null(False))
    return present.select(
        "id",
        "version",
        "member",
        why=ibis.cases(
            (present.member.isnull(), origin.unresolved(present.entry.entity, "member of the opt-out group")),
            else_=ibis.null("string"),
        ),
    )


FACT = Fact("opt_outs", "Group", COLUMNS, rows)
