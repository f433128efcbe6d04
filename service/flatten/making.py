"""The lines of a pull in; a table of each fact out, and what was set aside, counted and noted on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.errors import LakeProblem
from service.flatten import (
    adjudications,
    claim_items,
    claims,
    diagnoses,
    links,
    opt_outs,
    patients,
    payments,
    roles,
    visits,
)
from service.flatten.codings import sensitive
from service.flatten.computed import Computed, of_source
from service.flatten.facts import NOTE, STRAY, WHY, Fact, with_strays
from service.flatten.lines import Lines, SetAside, read_lines
from service.flatten.origin import Origin
from service.flatten.own import OwnViews
from service.flatten.versions import shape_of
from service.raw import in_one

# In this order: a fact may ask what those before it kept.
FACTS = (
    opt_outs.FACT,
    patients.FACT,
    links.FACT,
    roles.FACT,
    visits.FACT,
    diagnoses.VISITS,
    claims.FACT,
    claim_items.FACT,
    diagnoses.CLAIMS,
    adjudications.EXPLANATIONS,
    payments.EXPLANATIONS,
    adjudications.RESPONSES,
    payments.RESPONSES,
    diagnoses.CONDITIONS,
)
SHARED = sorted({fact.name for fact in FACTS if any(fact.name == o.name and fact is not o for o in FACTS)})
RESTRICTING = {"visits": "restricted", "claims": "restricted_claims"}
ASKED = (opt_outs.FACT.name, patients.FACT.name, roles.FACT.name)  # by facts after them
# Of whom some of these cannot be used, of them nothing may be concluded from there being no other.
TELLING = ("visits", "claims", "adjudications")
TELLING_TYPES = {fact.resource for fact in FACTS if fact.name in TELLING}
UNUSABLE = {"source": "string", "resource": "string", "patient": "string"}
OWNERS = {fact.name: [o.resource for o in FACTS if o.name == fact.name] for fact in FACTS} | {
    "unusable": TELLING_TYPES,
    **{RESTRICTING[fact.name]: [fact.resource] for fact in FACTS if fact.name in RESTRICTING},
}


class Making:
    """Of one directory of raw lines, in one of facts; `before` are the facts that these lines come to."""

    def __init__(
        self,
        raw: Path,
        facts: Path,
        engine: Engine,
        source: str,
        origin: Origin,
        labels: Collection[str],
        opt_out: str,
        version: str,
        own: OwnViews,
        before: Path | None = None,
    ) -> None:
        self.raw, self.facts, self.engine, self.source, self.origin = raw, facts, engine, source, origin
        self.labels, self.opt_out, self.version, self.own = labels, opt_out, version, own
        self.before = before
        self.set_aside: list[SetAside] = []
        self.notes: Counter[str] = Counter()
        self.duplicates: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.unusable: list[dict[str, str]] = []
        self.kept: dict[str, ir.Table] = {}
        self.parts: defaultdict[str, list[ir.Table]] = defaultdict(list)  # of a table that several resources give

    def of(self, raw: Path, facts: Path, before: Path) -> Making:
        """The same of some lines, which come to other facts."""
        about = (self.engine, self.source, self.origin, self.labels, self.opt_out, self.version, self.own)
        return Making(raw, facts, *about, before)

    def run(self, types: Collection[str] | None = None) -> dict[str, Any]:
        """Of all types, or of these alone."""
        if types is None and not (self.raw / "Patient.ndjson").is_file():
            raise LakeProblem("no patients were pulled", where=str(self.raw), do="run `personalize pull` again")
        wanted = [fact for fact in FACTS if types is None or fact.resource in types]
        for resource in dict.fromkeys(fact.resource for fact in wanted):
            self._resource(resource, [fact for fact in wanted if fact.resource == resource])
        for name, parts in self.parts.items():
            self.engine.write_parquet(ibis.union(*parts), self._path(name))
        if self.own.definitions:
            self._further()
        self._name_the_unusable()
        return {
            "facts": dict(self.counts),
            "set_aside": self.set_aside,
            "duplicates": self.duplicates,
            "notes": dict(sorted(self.notes.items())),
            "follows": None,
        }

    def _further(self) -> None:
        from service.flatten.own_tables import OwnTables  # brings the grammar of views, which no other table needs

        own = OwnTables(
            self.own, self.raw, self.facts, self.engine, self.source, self.origin, tuple(self.labels), self.version
        )
        own.write(self.kept["patients"])
        self.counts.update(own.counts)
        self.set_aside += own.set_aside
        self.notes.update(own.notes)
        self.unusable += own.unusable

    def _resource(self, resource: str, wanted: list[Fact]) -> None:
        columns = shape_of(self.version, resource).columns(wanted[0].columns)
        lines = read_lines(in_one(self.raw / f"{resource}.ndjson", self.engine.folder), columns, self.engine)
        self.set_aside += lines.set_aside
        self._unusable(resource, lines.about)
        if resource == opt_outs.FACT.resource and lines.set_aside:
            raise LakeProblem(
                f"nobody can tell who opted out: {lines.set_aside[0]['why']}",
                where=lines.set_aside[0]["where"],
                do="mend that Group, and run `personalize pull` again",
            )
        self.duplicates[resource] = lines.duplicates
        for fact in wanted:
            self._fact(fact, lines)
        self.engine.release(lines.table)

    def _fact(self, fact: Fact, lines: Lines) -> None:
        rows = self.engine.again(
            self._question(fact, lines),
            self.before or self.facts,
            lambda: Computed.of(self._rows(fact, lines), self.source, telling=fact.name in TELLING),
        )
        self.counts[fact.name] += 0
        if lines.rows:
            self._count(fact, rows)
        self._write(fact, rows.good, empty=not lines.rows)
        if fact.name in RESTRICTING:
            self._restrict(fact, rows.rows, lines.set_aside)
        self.engine.release(rows.rows)

    def _rows(self, fact: Fact, lines: Lines) -> ir.Table:
        """Good ones, and those that will be set aside."""
        as_read = shape_of(self.version, fact.resource).as_r4(lines.table, fact.columns)
        labelled = as_read.mutate(sensitive=sensitive(as_read.meta, self.labels))
        rows = self._belonging(fact, fact.rows(labelled, self.origin))
        if fact is patients.FACT:
            rows = self._with_opt_outs(rows)
        if fact is visits.FACT:
            rows = self._with_clinicians_by_person(rows)
        return self.engine.materialise(rows) if lines.rows else self.engine.empty(rows)

    def _question(self, fact: Fact, lines: Lines) -> Hashable:
        """All that tells what is asked for these rows from what is asked for others, but for what the lines hold."""
        origin = (self.origin.bases, self.origin.calendar.zone.key, self.version, *sorted(self.labels), self.opt_out)
        asked = tuple((name, table.op()) for name, table in self.kept.items() if name in ASKED or name == fact.follows)
        about = (fact.name, fact.resource, self.source)
        return about, lines.rows > 0, lines.table.op(), origin, self.before is None, asked

    def _write(self, fact: Fact, rows: ir.Table, *, empty: bool) -> None:
        path = self._part(fact.name, fact.resource) if fact.name in SHARED else self._path(fact.name)
        table = self.kept[fact.name] = self._written(path, rows, empty=empty)
        if fact.name in SHARED:
            self.parts[fact.name].append(table)

    def _known(self, name: str, *columns: str) -> ir.Table:
        """Of these rows and of those before."""
        kept = [self.kept[name]] if name in self.kept else []
        before = [self.engine.read_parquet(self.before / f"{name}.parquet")] if self.before else []
        return ibis.union(*(rows.select(*columns) for rows in (*kept, *before)), distinct=True)

    def _written(self, path: Path, rows: ir.Table, *, empty: bool = False) -> ir.Table:
        if empty:
            self.engine.write_empty(rows, path)
        else:
            self.engine.write_parquet(rows, path)
        return self.engine.read_back(path, rows)

    def _path(self, name: str) -> Path:
        return self.facts / f"{name}.parquet"

    def _part(self, name: str, resource: str) -> Path:
        return self.engine.scratch / f"{self.facts.name}-{name}-{resource}.parquet"

    def _restrict(self, fact: Fact, rows: ir.Table, misfits: list[SetAside]) -> None:
        """What must not show through others, those set aside too; what we cannot read may bear a label."""
        bearing = rows.filter("sensitive").select("id")
        if misfits:
            unread = [{"id": place["where"].removeprefix(f"{fact.resource}/")} for place in misfits]
            bearing = bearing.union(self.engine.load(unread, {"id": "string"}))
        name = RESTRICTING[fact.name]
        self.kept[name] = self._written(self._path(name), of_source(bearing, self.source))

    def _belonging(self, fact: Fact, rows: ir.Table) -> ir.Table:
        if fact.follows:
            return rows.semi_join(self.kept[fact.follows], "id")
        if "patient" not in rows.columns or fact.resource == "Patient":
            return rows
        told = with_strays(rows, self._known("patients", "patient"))
        return told.mutate(why=ibis.coalesce(told[WHY], ibis.cases((told.stray, STRAY)))).drop("stray")

    def _with_opt_outs(self, rows: ir.Table) -> ir.Table:
        joined = rows.left_join(self._known("opt_outs", "member"), [("patient", "member")])
        opted_out = joined.member.notnull() | joined.tags.contains(self.opt_out)
        return joined.mutate(opted_out=opted_out).drop("member", "tags")

    def _with_clinicians_by_person(self, rows: ir.Table) -> ir.Table:
        """A clinician in two roles is one clinician."""
        held = self._known("roles", "role", "practitioner").filter(ibis._.practitioner.notnull())
        joined = rows.left_join(held, rows.clinician == held.role)
        clinician = ibis.coalesce(joined.practitioner, joined.clinician)
        return joined.mutate(clinician=clinician).drop("role", "practitioner")

    def _count(self, fact: Fact, rows: Computed) -> None:
        totals = self.engine.row(rows.totals)
        self.counts[fact.name] += totals.pop("rows")
        listed = totals.pop("listed")
        self.notes.update({name.removeprefix(NOTE).replace("_", "-"): n for name, n in totals.items() if n})
        if listed:
            self._list(fact, rows.listed)

    def _list(self, fact: Fact, rows: ir.Table) -> None:
        for row in self.engine.rows(rows):
            place = f"{fact.resource}/{row['id']}" if row["id"] else f"{fact.resource}.ndjson"
            self.set_aside.append({"where": place, "why": row["said"]})
            if row[WHY]:
                self._unusable(fact.resource, [row["whose"]])

    def _unusable(self, resource: str, whose: Iterable[str | None]) -> None:
        if resource in TELLING_TYPES:
            self.unusable += [{"resource": resource, "text": each} for each in whose if each]

    def _name_the_unusable(self) -> None:
        """(patient, resource): one row each, however many there are."""
        if not self.unusable:
            self._written(self._path("unusable"), self.engine.load([], UNUSABLE), empty=True)
            return
        named = self.engine.load(self.unusable, {"resource": "string", "text": "string"})
        rows = named.select("resource", patient=self.origin.reference(named.text, "Patient"))
        known = of_source(rows.filter(rows.patient.notnull()).distinct(), self.source)
        self._written(self._path("unusable"), known)
