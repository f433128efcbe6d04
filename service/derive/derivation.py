"""What is asked in; the events, measures and profiles of all patients, or of some, out."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.derive import diagnoses, settlement
from service.derive.categories import Categories
from service.derive.events import Events, events
from service.derive.evidence import evidence
from service.derive.levels import levels
from service.derive.measures import measures
from service.derive.own import NO_OTHERS, OwnMeasures
from service.derive.people import People, people
from service.derive.policy import Policy
from service.derive.prevention import CODE as PREVENTIVE
from service.derive.recorded import NOTHING, Known
from service.derive.sequence import ties
from service.engine import Engine
from service.lake import OWN

SOURCES = (".py", ".toml")
ORDER = ("patient", "code", "unit")  # of measures, in files


@dataclass(frozen=True)
class Derived:
    """`profiles` and `measured` of the patients asked for.

    `source` (one row): what the source records at all. `people`: who is profiled, and who is not. How many visits and
    claims refer to each other in a circle, and `ties` (one row).
    """

    measured: ir.Table
    profiles: ir.Table
    source: ir.Table
    people: People
    cyclic_visits: int
    cyclic_claims: int
    ties: ir.Table


@dataclass(frozen=True)
class Asked:
    facts: Path
    engine: Engine
    as_of: datetime
    zone: ZoneInfo
    policy: Policy
    categories: Categories
    not_exposed: frozenset[str]
    own: OwnMeasures = NO_OTHERS
    known: Known = NOTHING

    def derived(self, only: ir.Table | None = None, *, known: Known = NOTHING) -> Derived:
        """`only` (patient): of nobody else; `known`: what else the source records of those others."""
        if only is None:
            return self.engine.again(self._question(), self.facts, lambda: self._derived(None, self.known))
        return self._derived(only, self.known | known)

    def _question(self) -> Hashable:
        """All that tells one derivation of all patients from another, but for the facts."""
        tables = tuple(sorted(path.name for path in self.facts.glob(f"{OWN}*")))
        rules = (repr(self._rules()), self.policy.model_dump_json(), self.own.digest or self.own)
        return rules, self.as_of, tables, self.known

    def _derived(self, only: ir.Table | None, known: Known) -> Derived:
        happened = events(self.facts, self.as_of, self.zone, self.engine, self.categories, only, known=known)
        measured = measures(happened, set(self.not_exposed), self.own.families)
        profiles = _profiles(happened, measured, self.policy, with_own=bool(self.own.families))
        return Derived(
            measured=measured,
            profiles=self.engine.materialise(profiles),
            source=self.engine.materialise(_source(happened)),
            people=happened.people,
            cyclic_visits=happened.visits.cyclic,
            cyclic_claims=happened.claims.cyclic,
            ties=ties(happened),
        )

    def people(self) -> People:
        """Of all records."""
        read = self.engine.read_parquet
        return people(read(self.facts / "patients.parquet"), read(self.facts / "links.parquet"), self.engine)

    def shown(self, measured: ir.Table) -> Known:
        """What these measures tell that the source records."""
        dated = measured.filter(measured.code == PREVENTIVE, measured.date.notnull())
        return frozenset({"preventive"} if self.engine.any(dated) else ())

    def basis(self, result: Derived) -> dict[str, Any]:
        """What decides of every patient: where any of it differs, no earlier profile stands."""
        return self._rules() | {"source_records": self._source_records(result)}

    def may_follow(self, basis: object) -> bool:
        """The same rules; what the source records can only be told afterwards."""
        return isinstance(basis, dict) and self._rules() | {"source_records": basis.get("source_records")} == basis

    def _source_records(self, result: Derived) -> dict[str, bool]:
        """What a source never shows of anybody is unknown of each: so one patient's record may change what all have."""
        preventive = "preventive" in self.known | self.shown(result.measured)
        return {**self.engine.row(result.source), "preventive": preventive}

    def _rules(self) -> dict[str, Any]:
        return {
            "algorithm": algorithm(),
            "policy_hash": self.policy.hash,
            "categories": _digest(repr(sorted(self.categories.meanings.items())).encode()),
            "time_zone": self.zone.key,
            "not_exposed": sorted(self.not_exposed),
            "own": self.own.digest,
        }


@cache
def algorithm() -> str:
    """A digest of this package: any change of a rule, a definition or a value set changes it."""
    parts = sorted((part.name, part.read_bytes()) for part in files(__package__).iterdir() if _is_source(part.name))
    return _digest(b"".join(name.encode() + content for name, content in parts))


def _is_source(name: str) -> bool:
    return name.endswith(SOURCES)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _profiles(happened: Events, measured: ir.Table, policy: Policy, *, with_own: bool) -> ir.Table:
    people = levels(happened, measured, policy)
    used = people.left_join(evidence(happened, with_own=with_own), "patient").drop("patient_right")
    counted = used.left_join(happened.visits.excluded, "patient").drop("patient_right")
    return counted.mutate(
        evidence=ibis.coalesce(counted.evidence, ibis.literal([], "array<string>")),
        sensitive_excluded=counted.n.fill_null(0),
    ).drop("n")


def _source(happened: Events) -> ir.Table:
    row = happened.visits.says.cross_join(diagnoses.of_any(happened))
    return row.cross_join(happened.once(settlement.bearing))
