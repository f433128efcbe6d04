"""What measures of a hospital's own told in; an error for the first row that no profile could bear out.

Ours give one good row a patient by how they are made; of others that is seen here, before anybody reads a wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from service.derive.events import Events
from service.derive.measure import REASONS, Family
from service.errors import WrongUsage

TWICE, NOTHING, NO_REASON = (
    ("gives a patient more than one row", "group its rows by patient"),
    ("gives a patient neither a value, a date nor a reason", "leave such patients out: `absent` says what they have"),
    ("gives a reason for the unknown that there is not", f"give one of {', '.join(REASONS)}"),
)


def check_rows(events: Events, told: ir.Table, own: Sequence[Family]) -> None:
    theirs = told.filter(told.code.isin([code for family in own for code in family.codes]))
    twice = theirs.group_by("patient", "code", "unit").having(theirs.count() > 1).agg()
    wrong = ibis.union(
        twice.select("code", fault=ibis.literal(0)),
        theirs.filter(_is_nothing(theirs)).select("code", fault=ibis.literal(1)),
        theirs.filter(theirs.unknown.notnull() & theirs.unknown.notin([*REASONS])).select(
            "code", fault=ibis.literal(2)
        ),
    )
    for row in list(events.engine.rows(wrong.distinct().order_by("code", "fault").limit(1))):
        what, remedy = (TWICE, NOTHING, NO_REASON)[row["fault"]]
        raise WrongUsage(f"the measure {row['code']} {what}", where="own.folder", do=remedy)


def _is_nothing(rows: ir.Table) -> ir.BooleanValue:
    """Nor a ratio, which one of nothing is not."""
    no_ratio = rows.numerator.isnull() | (rows.denominator.fill_null(0) == 0)
    return rows.value.isnull() & rows.date.isnull() & rows["mode"].isnull() & rows.unknown.isnull() & no_ratio
