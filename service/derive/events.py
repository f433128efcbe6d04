"""Fact tables in, the events that measures count out: computed once, shared by all measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.derive import emergency, stays
from service.derive.categories import Categories
from service.derive.claims import Claims, claims
from service.derive.people import People, people
from service.derive.recorded import NOTHING, Known
from service.derive.visits import Visits, visits
from service.engine import Engine
from service.errors import WrongUsage
from service.lake import OWN

FOLLOWING = {"payments": "adjudications"}  # whose rows say only what they belong to


@dataclass(frozen=True)
class Events:
    """`contacts` (patient, kind, at, timed, stay): kind outpatient, emergency, stay or other. `stays`: see there.

    `members`: the encounters that make up stays, with `stay`. `arrivals` (patient, id, stay, start): the emergency ones
    that belong to a stay. `encounters`: single visits, as Visits has them. `fact` gives a fact table by its name,
    of the patients asked for where it tells whose its rows are; `of_all` that of everybody.
    `tables`: those of the hospital's own views, without whom has no profile.
    `known`: what the source records of those who are left out.
    """

    engine: Engine
    as_of: datetime
    zone: ZoneInfo
    people: People
    visits: Visits
    members: ir.Table
    stays: ir.Table
    arrivals: ir.Table
    contacts: ir.Table
    claims: Claims
    fact: Callable[[str], ir.Table]
    of_all: Callable[[str], ir.Table]
    categories: Categories
    known: Known
    tables: Mapping[str, ir.Table] = field(default_factory=dict)
    shared: dict[tuple[object, ...], ir.Table] = field(default_factory=dict)

    def own(self, view: str) -> ir.Table:
        """The rows of one of the hospital's own views, each by its surviving patient."""
        if view not in self.tables:
            known = ", ".join(sorted(self.tables)) or "none"
            raise WrongUsage(
                f"no view of the hospital's own is called {view}", where=f"there is {known}", do="correct the name"
            )
        return self.tables[view]

    def once(self, build: Callable[..., ir.Table], *given: object) -> ir.Table:
        """The table that `build(events, *given)` describes, computed the first time it is asked for."""
        key = (build, *given)
        if key not in self.shared:
            self.shared[key] = self.engine.materialise(build(self, *given))
        return self.shared[key]

    @property
    def encounters(self) -> ir.Table:
        return self.visits.table

    @property
    def outpatient(self) -> ir.Table:
        return self.encounters.filter(self.encounters.class_group == "outpatient")


def events(
    facts: Path,
    as_of: datetime,
    zone: ZoneInfo,
    engine: Engine,
    categories: Categories | None = None,
    only: ir.Table | None = None,
    *,
    known: Known = NOTHING,
) -> Events:
    """`only` (patient): what happened to anybody else is left out."""

    @cache
    def of_all(name: str) -> ir.Table:
        return engine.read_parquet(facts / f"{name}.parquet")

    everybody = people(of_all("patients"), of_all("links"), engine)
    who = everybody if only is None else everybody.limited(only, engine)
    fact = of_all if only is None else _of_some(of_all, engine.materialise(everybody.records(only)), engine)
    seen = visits(fact("visits"), who, as_of, zone, engine, of_all=of_all("visits"), known=known)
    inpatient = stays.members(seen.table, who, engine)
    admissions = stays.stays(inpatient, engine)
    arrived = engine.materialise(emergency.arrivals(seen.table, inpatient, admissions, engine))
    attended = emergency.contacts(seen.table, arrived)
    return Events(
        engine=engine,
        as_of=as_of,
        zone=zone,
        people=who,
        visits=seen,
        members=inpatient,
        stays=admissions,
        arrivals=arrived,
        contacts=engine.materialise(_contacts(seen.table, attended, admissions)),
        claims=claims(fact("claims"), fact("claim_items"), fact("restricted"), who, as_of, engine),
        fact=fact,
        of_all=of_all,
        categories=categories or Categories.load(),
        known=known,
        tables={path.stem.removeprefix(OWN): who.rekeyed(fact(path.stem)) for path in sorted(facts.glob(f"{OWN}*"))},
    )


def _of_some(of_all: Callable[[str], ir.Table], records: ir.Table, engine: Engine) -> Callable[[str], ir.Table]:
    """Each table read once, and few of its rows kept: else every question would go over all of them."""

    @cache
    def fact(name: str) -> ir.Table:
        rows = of_all(name)
        if name in FOLLOWING:
            return engine.materialise(rows.semi_join(fact(FOLLOWING[name]), ["resource", "id"]))
        return engine.materialise(rows.semi_join(records, "patient")) if "patient" in rows.columns else rows

    return fact


def _contacts(encounters: ir.Table, attended: ir.Table, admissions: ir.Table) -> ir.Table:
    single = encounters.filter(encounters.class_group.isin(["outpatient", "other"]))
    none = ibis.null("int64")
    return ibis.union(
        single.select("patient", "timed", kind="class_group", at="start", stay=none),
        attended.select("patient", "timed", kind=ibis.literal("emergency"), at="at", stay="stay"),
        admissions.select("patient", "stay", kind=ibis.literal("stay"), at="start", timed=ibis.literal(True)),
    )
