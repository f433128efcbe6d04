"""The opt-out Group in, one row a member out: patients who are never profiled."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from service.flatten.codings import META
from service.flatten.facts import Fact
from service.flatten.references import reference
from service.flatten.times import Calendar

COLUMNS = {
    "id": "string",
    "meta": META,
    "member": "array<struct<entity: struct<reference: string>, inactive: boolean>>",
}


def rows(group: ir.Table, calendar: Calendar) -> ir.Table:  # noqa: ARG001 - the signature of every fact
    """Who left the group is marked inactive there; a member that is no Patient is set aside, for all to see."""
    listed = group.select("id", version=group.meta.versionId, entry=group.member.unnest())
    member = reference(listed.entry.entity.reference, "Patient")
    present = listed.mutate(member=member).filter(~listed.entry.inactive.fill_null(False))
    return present.select(
        "id",
        "version",
        "member",
        why=ibis.cases(
            (present.member.isnull(), "a member of the opt-out group is no Patient of this server"),
            else_=ibis.null("string"),
        ),
    )


FACT = Fact("opt_outs", "Group", COLUMNS, rows)
