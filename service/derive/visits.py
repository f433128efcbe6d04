"""Facts about visits in; the visits that count out, each by its surviving patient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.derive.part_of import admissions
from service.derive.people import People
from service.engine import Engine

OPEN = ("in-progress", "arrived", "triaged", "onleave")
VISIT = ("finished", *OPEN)


@dataclass(frozen=True)
class Visits:
    """`table`: patient, id, class_group, start, until, day, admission, clinician, organization, codes.

    `until` is the end where one is given, else as_of for an open inpatient visit, else the start; never after death: an
    emergency visit that nobody closed belongs to no later stay. `day`: the local date of the start. `admission`: the
    topmost inpatient visit that this one is part of: itself for most inpatient ones, null outside any. `excluded`:
    patient, n of sensitive visits, of which nothing else is kept. `cyclic`: visits whose partOf runs in a circle.
    """

    table: ir.Table
    excluded: ir.Table
    cyclic: int


def visits(facts: ir.Table, people: People, as_of: datetime, zone: ZoneInfo, engine: Engine) -> Visits:
    known = engine.materialise(_counting(people.rekeyed(facts), people.roster, as_of, engine))
    plain = engine.materialise(known.filter(~known.sensitive).drop("sensitive", "status"))
    admitted, cyclic = admissions(plain, engine)
    placed = plain.drop("part_of").left_join(admitted, ["patient", "id"]).drop("patient_right", "id_right")
    table = engine.materialise(placed.mutate(day=engine.local(placed.start, zone).date()))
    excluded = known.filter("sensitive").group_by("patient").agg(n=ibis._.count())
    return Visits(table, engine.materialise(excluded), cyclic)


def _counting(rows: ir.Table, roster: ir.Table, as_of: datetime, engine: Engine) -> ir.Table:
    """Begun before as_of, in the patient's lifetime, and neither planned, cancelled nor entered in error."""
    rows = rows.inner_join(roster.select("patient", "deceased_at"), "patient")
    alive = rows.deceased_at.isnull() | (rows.start <= rows.deceased_at)
    admitted = rows.status.isin(OPEN) & (rows.class_group == "inpatient")
    lasting = ibis.cases((admitted, engine.at(as_of)), else_=rows.start)
    until = ibis.least(ibis.coalesce(rows.end, lasting), rows.deceased_at)
    return rows.filter(rows.status.isin(VISIT), rows.start < engine.at(as_of), alive).select(
        "patient", "id", "status", "class_group", "start", "part_of", "clinician", "organization", "sensitive",
        until=until, codes=rows.types.concat(rows.reasons),
    )  # fmt: skip


def latest_start(facts: Path, engine: Engine, *, not_after: datetime) -> datetime | None:
    """When the latest visit that counts began, UTC; None where there is none. Later than `not_after` is an error."""
    rows = engine.read_parquet(facts / "visits.parquet")
    begun = rows.filter(rows.status.isin(VISIT), ~rows.sensitive, rows.start <= engine.at(not_after))
    latest: datetime | None = engine.row(begun.agg(start=begun.start.max()))["start"]
    return latest.replace(tzinfo=UTC) if latest else None
