"""What a fact table is: the fields it reads, and one expression from resources to rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from service.flatten.origin import Origin

WHY = "why"  # null in a good row; else the row is set aside for this
DOUBT = "doubt"  # why a row that stays is listed among what was set aside: a part of it cannot be used
STRAY = "the patient is not among those pulled"
NOTE = "note_"  # a boolean column that is counted, by the rest of its name, and then dropped


@dataclass(frozen=True)
class Fact:
    """`rows` gives the table's columns, `why`, where needed `doubt`, and any number of `note_*`.

    It may read `sensitive` beside `columns`.

    Facts of one name and several resources stand in one table. `follows` names the fact without whose row of the same
    id none of these stands: what is set aside takes them along.
    """

    name: str
    resource: str
    columns: Mapping[str, str]
    rows: Callable[[ir.Table, Origin], ir.Table]
    follows: str = ""


def with_strays(rows: ir.Table, patients: ir.Table) -> ir.Table:
    """`stray`: it names a patient who is not among `patients`; a limited pull may bring rows of others."""
    pulled = patients.select(pulled="patient")
    joined = rows.left_join(pulled, rows.patient == pulled.pulled)
    return joined.mutate(stray=joined.patient.notnull() & joined.pulled.isnull()).drop("pulled")
