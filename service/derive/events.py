"""Fact tables in, the events that measures count out: computed once, shared by all measures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.derive import emergency, stays
from service.derive.claims import Claims, claims
from service.derive.people import People, people
from service.derive.visits import Visits, visits
from service.engine import Engine


@dataclass(frozen=True)
class Events:
    """`contacts` (patient, kind, at): kind outpatient, emergency, stay or other. `stays` (patient, stay, start, until).

    `members` (patient, id, stay): the encounters that make up stays. `encounters`: single visits, as Visits has them.
    """

    engine: Engine
    as_of: datetime
    zone: ZoneInfo
    people: People
    visits: Visits
    members: ir.Table
    stays: ir.Table
    contacts: ir.Table
    claims: Claims

    @property
    def encounters(self) -> ir.Table:
        return self.visits.table

    @property
    def outpatient(self) -> ir.Table:
        return self.encounters.filter(self.encounters.class_group == "outpatient")


def events(facts: Path, as_of: datetime, zone: ZoneInfo, engine: Engine) -> Events:
    def fact(name: str) -> ir.Table:
        return engine.read_parquet(facts / f"{name}.parquet")

    who = people(fact("patients"), fact("links"), engine)
    seen = visits(fact("visits"), who, as_of, zone, engine)
    inpatient = stays.members(seen.table, who, engine)
    admissions = stays.stays(inpatient, engine)
    attended = emergency.contacts(seen.table, inpatient, admissions, engine)
    return Events(
        engine=engine,
        as_of=as_of,
        zone=zone,
        people=who,
        visits=seen,
        members=inpatient,
        stays=admissions,
        contacts=engine.materialise(_contacts(seen.table, attended, admissions)),
        claims=claims(fact("claims"), fact("claim_items"), fact("restricted"), who, as_of, engine),
    )


def _contacts(encounters: ir.Table, attended: ir.Table, admissions: ir.Table) -> ir.Table:
    single = encounters.filter(encounters.class_group.isin(["outpatient", "other"]))
    return ibis.union(
        single.select("patient", kind="class_group", at="start"),
        attended.select("patient", kind=ibis.literal("emergency"), at="at"),
        admissions.select("patient", kind=ibis.literal("stay"), at="start"),
    )
