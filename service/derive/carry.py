"""Earlier runs of the same source in; what a full derivation would give, most of it carried over, out.

Derived anew is a patient of whose facts anything changed, and one with an event that a window's edge moved over since
then. Where anything differs that decides of every patient (Asked.basis), nothing is carried over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import ibis
import ibis.expr.types as ir

from service.derive.changes import changed_records
from service.derive.derivation import ORDER, Asked, Derived
from service.derive.edges import passed_records
from service.derive.people import People
from service.lake import read_json, same_files

WORTH_FOLLOWING = 2_000  # patients: of fewer all are derived in less time than it takes to tell who changed


@dataclass(frozen=True)
class Earlier:
    """The directories of another run of the same source."""

    facts: Path
    profiles: Path

    @property
    def run(self) -> str:
        return self.profiles.name


@dataclass(frozen=True)
class Carried:
    """What a full derivation would give; (patient) who was derived anew, the others carried over from those files."""

    whole: Derived
    patients: ir.Table
    anew: int
    profiles: Path

    @property
    def run(self) -> str:
        return self.profiles.name


def carried_over(asked: Asked, runs: Iterable[Earlier]) -> Carried | None:
    """From the first of `runs` that may be followed; None where a full derivation is due."""
    for earlier in runs:
        about = read_json(earlier.profiles / "profiles.json", "derive")
        if asked.may_follow(about.get("basis")) and _stands(earlier, about, asked):
            return _followed(asked, earlier, about)
    return None


def standing(asked: Asked, runs: Iterable[Earlier]) -> tuple[Path, dict[str, Any]] | None:
    """The profiles of a run that had the very same facts and the same `as_of`, and what they tell of themselves."""
    for earlier in runs:
        about = read_json(earlier.profiles / "profiles.json", "derive")
        if about["as_of"] != asked.as_of.isoformat() or not same_files(asked.facts, earlier.facts, "*.parquet"):
            continue
        if asked.may_follow(about.get("basis")) and _stands(earlier, about, asked):
            nothing = dict.fromkeys(cast(dict[str, int], about["notes"]), 0)
            return earlier.profiles, about | {"follows": earlier.run, "derived_anew": 0, "notes": nothing}
    return None


def stamps(facts: Path) -> dict[str, str]:
    """A digest of each fact table: profiles tell nothing of facts that came after them."""
    return {path.stem: _digest(path) for path in sorted(facts.glob("*.parquet"))}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _stands(earlier: Earlier, about: dict[str, object], asked: Asked) -> bool:
    """Its facts are those that its profiles were derived from, and there are no other tables of them now."""
    stood = stamps(earlier.facts)
    return about.get("facts") == stood and stood.keys() == {path.stem for path in asked.facts.glob("*.parquet")}


def _followed(asked: Asked, earlier: Earlier, about: dict[str, object]) -> Carried | None:
    engine = asked.engine
    then = datetime.fromisoformat(str(about["as_of"]))
    now = asked.people()
    anew = engine.materialise(_anew(asked, earlier, then, now))
    stays = engine.materialise(now.roster.select("patient").anti_join(anew, "patient"))
    profiles = engine.read_parquet(earlier.profiles / "profiles.parquet").semi_join(stays, "patient")
    measured = engine.read_parquet(earlier.profiles / "measures.parquet").semi_join(stays, "patient")
    some = asked.derived(anew, known=asked.shown(measured))
    whole = replace(
        some,
        measured=_like(measured, some.measured).union(engine.materialise(some.measured.order_by(*ORDER))),
        profiles=engine.materialise(some.profiles.union(_like(profiles, some.profiles))),
    )
    if asked.basis(whole) != about["basis"]:
        return None
    return Carried(whole, anew, engine.row(anew.agg(n=anew.count()))["n"], earlier.profiles)


def _anew(asked: Asked, earlier: Earlier, then: datetime, now: People) -> ir.Table:
    """(patient): who survives now of the records concerned, and of the groups that they were merged in then."""
    engine, before = asked.engine, replace(asked, facts=earlier.facts).people()
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


def _like(rows: ir.Table, other: ir.Table) -> ir.Table:
    return rows.select(**{name: rows[name].cast(dtype) for name, dtype in other.schema().items()})
