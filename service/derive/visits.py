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
from service.derive.recorded import Known, recorded
from service.engine import Engine

OPEN = ("in-progress", "arrived", "triaged", "onleave")
VISIT = ("finished", *OPEN)
CANCELLED = "cancelled"


@dataclass(frozen=True)
class Visits:
    """`table`: patient, id, source, class_code, class_group, start, until, clock, day, dated, timed, ended, going_on,
    died, admission, clinician, organization, site, admit_source, discharge_disposition, codes.

    `until` is the end where one is given, else as_of for an open inpatient visit, else the start; never after death: an
    emergency visit that nobody closed belongs to no later stay. `ended`: it says when; `going_on`: at as_of; `died`: in
    death. `clock` and `day`: the local time and date of the start; `dated` and `timed`: whether they are more than the
    start of a longer period. `admission`: the topmost inpatient visit that this one is part of: itself for
    most inpatient ones, null outside any. `cancelled`: patient, id, at. `says`: one row, of what the source is known to
    record at all: cancelled (visits), acuity (of stays). `excluded`: patient, n of sensitive visits, of which nothing
    else is kept. `cyclic`: visits whose partOf runs in a circle.
    """

    table: ir.Table
    cancelled: ir.Table
    says: ir.Table
    excluded: ir.Table
    cyclic: int


def visits(
    facts: ir.Table, people: People, as_of: datetime, zone: ZoneInfo, engine: Engine, *, of_all: ir.Table, known: Known
) -> Visits:
    begun = _begun(people.rekeyed(facts), people.roster, as_of, engine)
    counted = engine.materialise(_counting(begun, as_of, engine))
    plain = engine.materialise(counted.filter(~counted.sensitive).drop("sensitive", "status"))
    admitted, cyclic = admissions(plain, engine)
    placed = plain.drop("part_of").left_join(admitted, ["patient", "id"]).drop("patient_right", "id_right")
    clocked = placed.mutate(clock=engine.local(placed.start, zone))
    table = engine.materialise(clocked.mutate(day=clocked.clock.date()))
    excluded = counted.filter("sensitive").group_by("patient").agg(n=ibis._.count())
    return Visits(
        table=table,
        cancelled=engine.materialise(_cancelled(begun)),
        says=engine.materialise(_says(of_all, known)),
        excluded=engine.materialise(excluded),
        cyclic=cyclic,
    )


def _begun(rows: ir.Table, roster: ir.Table, as_of: datetime, engine: Engine) -> ir.Table:
    """Begun, or to begin, before as_of and in the patient's lifetime, and neither planned nor entered in error."""
    rows = rows.inner_join(roster.select("patient", "deceased_at"), "patient")
    alive = rows.deceased_at.isnull() | (rows.start <= rows.deceased_at)
    return rows.filter(rows.status.isin((*VISIT, CANCELLED)), rows.start < engine.at(as_of), alive)


def _counting(rows: ir.Table, as_of: datetime, engine: Engine) -> ir.Table:
    now = engine.at(as_of)
    over = ibis.least(ibis.coalesce(rows.end, ibis.cases((rows.status.isin(OPEN), now))), rows.deceased_at)
    told = rows.end.notnull() | rows.status.isin(OPEN)
    lasting = ibis.cases((rows.status.isin(OPEN) & (rows.class_group == "inpatient"), now), else_=rows.start)
    return rows.filter(rows.status.isin(VISIT)).select(
        "patient", "id", "source", "status", "class_code", "class_group", "start", "part_of", "clinician",
        "organization", "site", "admit_source", "discharge_disposition", "sensitive",
        until=ibis.least(ibis.coalesce(rows.end, lasting), rows.deceased_at),
        ended=told & (over < now), going_on=told & (over >= now), died=(over == rows.deceased_at).fill_null(False),
        dated=~rows.start_partial, timed=rows.start_timed,
        codes=rows.types.concat(rows.reasons),
    )  # fmt: skip


def _cancelled(begun: ir.Table) -> ir.Table:
    return begun.filter(begun.status == CANCELLED, ~begun.sensitive).select("patient", "id", at="start")


def _says(facts: ir.Table, known: Known) -> ir.Table:
    """Over all patients."""
    acuity = (facts.class_group == "emergency") | (facts.class_code == "ACUTE") | facts.admit_source.notnull()
    cancelled = recorded("cancelled", (facts.status == CANCELLED).any(), known)
    return facts.agg([cancelled, recorded("acuity", (facts.status.isin(VISIT) & acuity.fill_null(False)).any(), known)])


def latest_start(facts: Path, engine: Engine, *, not_after: datetime) -> datetime | None:
    """When the latest visit that counts began, UTC; None where there is none. Later than `not_after` is an error."""
    rows = engine.read_parquet(facts / "visits.parquet")
    # The clock as a row: in the words of the query it would make each run's another one, to be written and remembered.
    clock = engine.load([{"now": not_after.astimezone(UTC).replace(tzinfo=None).isoformat()}], {"now": "timestamp"})
    begun = rows.filter(rows.status.isin(VISIT), ~rows.sensitive).cross_join(clock).filter(ibis._.start <= ibis._.now)
    latest: datetime | None = engine.row(begun.agg(start=begun.start.max()))["start"]
    return latest.replace(tzinfo=UTC) if latest else None
