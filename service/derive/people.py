"""Facts about patients and links in; one row a surviving patient out, and which record now goes by which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from service.derive.linkage import survivors
from service.engine import Engine
from service.merging import MERGING


@dataclass(frozen=True)
class People:
    """`roster`: patient, deceased, deceased_at, birth_date, born_on (null unless given to the day), what is recorded of
    accommodations (interpreter, interpreter_declined, preferred_language, disability) and the general_practitioner.

    `merged` (merged, survivor): the records that take part in a merge. `gone`: those whose survivor was not pulled.
    `opted_out`: who is never profiled, and so stands nowhere else.
    """

    roster: ir.Table
    merged: ir.Table
    gone: list[dict[str, str]]
    opted_out: list[str]

    def limited(self, to: ir.Table, engine: Engine) -> People:
        """As if nobody else had been pulled."""
        return replace(self, roster=engine.materialise(self.roster.semi_join(to, "patient")))

    def records(self, to: ir.Table) -> ir.Table:
        """(patient): every record that goes by one of these survivors."""
        merged = self.merged.semi_join(to.select(survivor="patient"), "survivor").select(patient="merged")
        return to.select("patient").union(merged, distinct=True)

    def rekeyed(self, rows: ir.Table) -> ir.Table:
        """`rows` with each `patient` by its survivor; rows of patients without a profile fall away."""
        joined = rows.left_join(self.merged, rows.patient == self.merged.merged)
        survivor = ibis.coalesce(joined.survivor, joined.patient)
        moved = joined.mutate(patient=survivor).drop("merged", "survivor")
        return moved.semi_join(self.roster, "patient")


def people(patients: ir.Table, links: ir.Table, engine: Engine) -> People:
    merging = links.filter(links["type"].isin(MERGING))
    ends = merging.select("patient").union(merging.select(patient="other"))
    asleep = patients.filter(~patients.active).semi_join(ends, "patient").select("patient")
    merged = engine.through(_merged, [merging, asleep], {"merged": "string", "survivor": "string"})
    everybody = engine.materialise(_roster(patients, merged))
    opted_out = [row["patient"] for row in engine.rows(everybody.filter("opted_out").order_by("patient"))]
    roster = engine.materialise(everybody.filter(~everybody.opted_out).drop("opted_out"))
    return People(roster, merged, _gone(patients, merged, engine), opted_out)


def _merged(merging: Iterable[dict[str, Any]], asleep: Iterable[dict[str, Any]]) -> Iterator[dict[str, str]]:
    triples = [(row["patient"], row["type"], row["other"]) for row in merging]
    found = survivors(triples, {row["patient"] for row in asleep})
    return ({"merged": old, "survivor": new} for old, new in sorted(found.items()))


def _roster(patients: ir.Table, merged: ir.Table) -> ir.Table:
    """A person is as deceased, and as opted out, as any of the records says; the birth date is the survivor's where it
    has one."""
    joined = patients.left_join(merged, patients.patient == merged.merged)
    known = joined.mutate(record=joined.patient, patient=ibis.coalesce(joined.survivor, joined.patient))
    own = known.record == known.patient
    day = ibis.cases((~known.birth_date_partial, known.birth_date))
    grouped = known.group_by("patient").agg(
        pulled=own.any(),
        deceased=known.deceased.any().fill_null(False),
        deceased_at=known.deceased_at.min(),
        birth_date=ibis.coalesce(known.birth_date.max(where=own), known.birth_date.min()),
        born_on=ibis.coalesce(day.max(where=own), day.min()),
        interpreter=known.interpreter.any(),
        interpreter_declined=known.interpreter_declined.any(),
        preferred_language=ibis.coalesce(known.preferred_language.max(where=own), known.preferred_language.min()),
        disability=known.disability.any(),
        opted_out=known.opted_out.any(),
        general_practitioner=ibis.coalesce(known.general_practitioner.max(where=own), known.general_practitioner.min()),
    )
    return grouped.filter("pulled").drop("pulled")


def _gone(patients: ir.Table, merged: ir.Table, engine: Engine) -> list[dict[str, str]]:
    orphans = merged.semi_join(patients.select(merged="patient"), "merged")
    missing = orphans.anti_join(patients.select(survivor="patient"), "survivor")
    return [
        {"where": row["merged"], "why": f"replaced by {row['survivor']}, which is not among those pulled"}
        for row in engine.rows(missing.order_by("merged"))
    ]
