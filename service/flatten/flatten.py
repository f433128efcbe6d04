"""raw/<source>/<run>/<Type>.ndjson in; facts/<source>/<run>/<table>.parquet and facts.json out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.errors import LakeProblem, WrongUsage
from service.flatten import claim_items, claims, links, patients, visits
from service.flatten.facts import NOTE, WHY, Fact
from service.flatten.lines import Lines, SetAside, read_lines
from service.flatten.times import Calendar
from service.lake import committed, read_json, write_json

FACTS = (patients.FACT, links.FACT, visits.FACT, claims.FACT, claim_items.FACT)
FOLLOWS = {"claim_items": "claims"}  # rows of the first go where the row they belong to goes
READS = ("STU3", "R4", "R4B", "3.0", "4.0", "4.1", "4.3")


def flatten(raw: Path, facts: Path, *, engine: Engine, source: str, zone: ZoneInfo) -> dict[str, Any]:
    """Writes the fact tables and returns what facts.json says: rows by table, what was set aside and why, notes.

    Rows that are set aside stand in no table. Partial dates are periods on the calendar of `zone`.
    """
    manifest = read_json(raw / "manifest.json", "pull")
    _check_version(manifest, raw)
    with committed(facts) as part:
        report = _Flattening(raw, part, engine, source, Calendar(engine, zone)).run()
        report |= {"source": source, "time_zone": zone.key, "unknown": unknown_types(manifest)}
        write_json(part / "facts.json", report)
    return report


def unknown_types(manifest: dict[str, Any]) -> dict[str, str]:
    """The types that the server does not expose, and why: of these nothing is known, not even that there is none."""
    types = manifest.get("types", {})
    needed = sorted({fact.resource for fact in FACTS})
    return {name: why for name in needed if (why := _why_unknown(types.get(name)))}


def _why_unknown(pulled: dict[str, Any] | None) -> str:
    return "not pulled" if pulled is None else str(pulled.get("unknown") or "")


def _check_version(manifest: dict[str, Any], raw: Path) -> None:
    version = str(manifest.get("fhir_version") or "R4")
    if not version.startswith(READS):
        raise WrongUsage(
            f"FHIR {version} cannot be read yet", where=str(raw), do="name a server that speaks FHIR R4 or STU3"
        )


class _Flattening:
    def __init__(self, raw: Path, facts: Path, engine: Engine, source: str, calendar: Calendar) -> None:
        self.raw, self.facts, self.engine, self.source, self.calendar = raw, facts, engine, source, calendar
        self.set_aside: list[SetAside] = []
        self.notes: Counter[str] = Counter()
        self.duplicates: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.kept: dict[str, ir.Table] = {}

    def run(self) -> dict[str, Any]:
        if not (self.raw / "Patient.ndjson").is_file():
            raise LakeProblem("no patients were pulled", where=str(self.raw), do="run `personalize pull` again")
        for resource in dict.fromkeys(fact.resource for fact in FACTS):
            self._resource(resource, [fact for fact in FACTS if fact.resource == resource])
        return {
            "facts": self.counts,
            "set_aside": self.set_aside,
            "duplicates": self.duplicates,
            "notes": dict(sorted(self.notes.items())),
        }

    def _resource(self, resource: str, wanted: list[Fact]) -> None:
        lines = read_lines(self.raw / f"{resource}.ndjson", wanted[0].columns, self.engine)
        self.set_aside += lines.set_aside
        self.duplicates[resource] = lines.duplicates
        for fact in wanted:
            self._fact(fact, lines)
        self.engine.release(lines.table)

    def _fact(self, fact: Fact, lines: Lines) -> None:
        rows = self.engine.materialise(self._belonging(fact, fact.rows(lines.table, self.calendar)))
        good = rows.filter(rows[WHY].isnull())
        self._count(fact, rows, good)
        self._write(fact.name, good.select(name for name in good.columns if _is_column(name)))
        if fact.name == "visits":
            self._write("restricted", self._restricted(rows, lines.set_aside))
        self.engine.release(rows)

    def _write(self, name: str, rows: ir.Table) -> None:
        path = self.facts / f"{name}.parquet"
        self.engine.write_parquet(rows.select(ibis.literal(self.source).name("source"), *rows.columns), path)
        self.kept[name] = self.engine.read_parquet(path)

    def _restricted(self, visits: ir.Table, misfits: list[SetAside]) -> ir.Table:
        """Encounters whose claims must not show, those set aside too; what we cannot read may bear a label."""
        unread = [{"id": place["where"].removeprefix("Encounter/")} for place in misfits]
        return visits.filter("sensitive").select("id").union(self.engine.load(unread, {"id": "string"}))

    def _belonging(self, fact: Fact, rows: ir.Table) -> ir.Table:
        """A limited pull may bring visits of patients that it did not bring."""
        if fact.name in FOLLOWS:
            return rows.semi_join(self.kept[FOLLOWS[fact.name]], "id")
        if fact.resource == "Patient":
            return rows
        pulled = self.kept["patients"].select(pulled="patient")
        joined = rows.left_join(pulled, rows.patient == pulled.pulled)
        stray = joined.patient.notnull() & joined.pulled.isnull()
        return joined.mutate(
            why=ibis.coalesce(joined[WHY], ibis.cases((stray, "the patient is not among those pulled")))
        ).drop("pulled")

    def _count(self, fact: Fact, rows: ir.Table, good: ir.Table) -> None:
        notes = [name for name in rows.columns if name.startswith(NOTE)]
        totals = self.engine.row(good.agg(rows=good.count(), **{n: good[n].sum() for n in notes}))
        self.counts[fact.name] = totals.pop("rows")
        self.notes.update({name.removeprefix(NOTE).replace("_", "-"): n for name, n in totals.items() if n})
        bad = rows.filter(rows[WHY].notnull()).order_by("id").select("id", WHY)
        for row in self.engine.rows(bad):
            place = f"{fact.resource}/{row['id']}" if row["id"] else f"{fact.resource}.ndjson"
            self.set_aside.append({"where": place, "why": row[WHY]})


def _is_column(name: str) -> bool:
    return name != WHY and not name.startswith(NOTE)
