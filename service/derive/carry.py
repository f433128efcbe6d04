"""An earlier run of the same source in; what a full derivation would give, most of it carried over, out.

Derived anew is a patient of whose facts anything changed, and one with an event that a window's edge moved over since
then. Where anything differs that decides of every patient (Asked.basis), nothing is carried over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir

from service.derive.changes import changed_records
from service.derive.derivation import Asked, Derived
from service.derive.edges import passed_records
from service.derive.people import People, people
from service.derive.prevention import CODE as PREVENTIVE
from service.lake import read_json


@dataclass(frozen=True)
class Earlier:
    """The directories of another run of the same source."""

    facts: Path
    profiles: Path


def carried_over(asked: Asked, earlier: Earlier) -> tuple[Derived, int] | None:
    """With how many were derived anew; None where a full derivation is due."""
    engine, about = asked.engine, read_json(earlier.profiles / "profiles.json", "derive")
    if not asked.may_follow(about.get("basis")):
        return None
    then = datetime.fromisoformat(str(about["as_of"]))
    now = _people(asked.facts, asked)
    anew = engine.materialise(_anew(asked, earlier, then, now))
    stays = engine.materialise(now.roster.select("patient").anti_join(anew, "patient"))
    profiles = engine.read_parquet(earlier.profiles / "profiles.parquet").semi_join(stays, "patient")
    measured = engine.read_parquet(earlier.profiles / "measures.parquet").semi_join(stays, "patient")
    seen = measured.filter(measured.code == PREVENTIVE, measured.date.notnull())
    some = asked.derived(anew, others_prevented=bool(engine.row(seen.agg(n=seen.count()))["n"]))
    whole = Derived(
        some.happened,
        engine.materialise(some.measured.union(_like(measured, some.measured))),
        engine.materialise(some.profiles.union(_like(profiles, some.profiles))),
    )
    if asked.basis(whole) != about["basis"]:
        return None
    return whole, engine.row(anew.agg(n=anew.count()))["n"]


def _anew(asked: Asked, earlier: Earlier, then: datetime, now: People) -> ir.Table:
    """(patient): who survives now of the records concerned, and of the groups that they were merged in then."""
    engine, before = asked.engine, _people(earlier.facts, asked)
    records = ibis.union(
        changed_records(earlier.facts, asked.facts, engine),
        passed_records(asked.facts, then, asked.as_of, asked.zone, asked.policy, engine),
        before.merged.anti_join(now.merged, ["merged", "survivor"]).select(patient="merged"),
        now.merged.anti_join(before.merged, ["merged", "survivor"]).select(patient="merged"),
    )
    records = engine.materialise(records.distinct())
    return _survivors(records, before).union(_survivors(records, now), distinct=True).semi_join(now.roster, "patient")


def _survivors(records: ir.Table, who: People) -> ir.Table:
    joined = records.left_join(who.merged, records.patient == who.merged.merged)
    return joined.select(patient=ibis.coalesce(joined.survivor, joined.patient))


def _people(facts: Path, asked: Asked) -> People:
    engine = asked.engine
    return people(engine.read_parquet(facts / "patients.parquet"), engine.read_parquet(facts / "links.parquet"), engine)


def _like(rows: ir.Table, other: ir.Table) -> ir.Table:
    return rows.select(**{name: rows[name].cast(dtype) for name, dtype in other.schema().items()})
