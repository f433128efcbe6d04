"""What a record says of accommodations in, the needs that a policy may answer out; they decide nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

INTERPRETER, LANGUAGE, DISABILITY = "interpreter", "language", "disability"


def needs(roster: ir.Table, languages: Sequence[str]) -> ir.Table:
    """(patient, need). A language needs something when it is the preferred one and none of `languages`, unless the
    record says that no interpreter is required."""
    spoken = roster.preferred_language.lower().split("-")[0]
    foreign = ~spoken.isin([each.lower() for each in languages]) & ~roster.interpreter_declined
    recorded = {INTERPRETER: roster.interpreter, DISABILITY: roster.disability}
    if languages:
        recorded[LANGUAGE] = foreign.fill_null(False)
    return ibis.union(
        *(roster.filter(holds).select("patient", need=ibis.literal(need)) for need, holds in recorded.items())
    )
