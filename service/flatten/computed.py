"""Computed rows of a fact in, what its table has and what its report says of them, out."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from service.flatten.facts import DOUBT, NOTE, WHY


@dataclass(frozen=True)
class Computed:
    """`rows`, good or not; the `good` as their table has them; one row of `totals`: how many of them, `listed`, notes.

    `listed` are those of whom something is said: set aside, or in doubt.
    """

    rows: ir.Table
    good: ir.Table
    totals: ir.Table
    listed: ir.Table

    @classmethod
    def of(cls, rows: ir.Table, source: str, *, telling: bool) -> Computed:
        """`telling`: who is listed says whose it is, where that may be known."""
        fine = rows[WHY].isnull()
        doubt = rows[DOUBT] if DOUBT in rows.columns else ibis.null("string")
        whose = ibis.cases((~rows.sensitive, rows.patient)) if telling else ibis.null("string")
        told = rows.select("id", WHY, whose=whose, said=ibis.coalesce(rows[WHY], doubt))
        notes = {name: rows[name].sum(where=fine) for name in rows.columns if name.startswith(NOTE)}
        return cls(
            rows,
            of_source(rows.filter(fine).select(name for name in rows.columns if _is_column(name)), source),
            rows.agg(rows=rows.count(where=fine), listed=ibis.coalesce(rows[WHY], doubt).count(), **notes),
            told.filter(told.said.notnull()).order_by("id"),
        )


def of_source(rows: ir.Table, source: str) -> ir.Table:
    return rows.select(ibis.literal(source).name("source"), *rows.columns)


def _is_column(name: str) -> bool:
    return name not in (WHY, DOUBT) and not name.startswith(NOTE)
