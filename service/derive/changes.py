"""The facts of two runs of one source in, the patient records about whom anything differs out.

A table that is one file in both has nothing that differs. Where the later facts were made of the earlier ones and some
lines alone, only what those lines gave is looked at; else each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.lake import CHANGED, read_json, same_file

ABOUT_THE_ROW = ("source", "version")  # a new version with the same content tells nothing new
# Fact tables that belong to no patient, with what refers to their rows.
LOOSE = {"restricted": "Encounter/", "restricted_claims": "Claim/", "roles": "PractitionerRole/"}
OF_LINES = "payments"  # whose rows belong to lines of the types that they name, and so to no patient by themselves
STATED = "adjudications"  # where those lines tell whose they are
REFERRING = ("encounter", "claim", "general_practitioner")  # columns of one reference; `encounters` has several


def changed_records(before: Path, after: Path, engine: Engine) -> ir.Table:
    """(patient): records that came, went or differ in any row, and those that refer to a loose row that does."""
    every = sorted({path.stem for folder in (before, after) for path in folder.glob("*.parquet")})
    files = {name: (before / f"{name}.parquet", after / f"{name}.parquet") for name in every}
    own = [name for name in every if "patient" in engine.read_parquet(after / f"{name}.parquet").columns]
    tables = [name for name, (then, now) in files.items() if not same_file(then, now)]
    compared = _Compared(before, after, engine, _lines(before, after, engine))
    found = compared.differing([name for name in tables if name in own], "patient")
    what = compared.differing([name for name in tables if name in LOOSE or name == OF_LINES], "id")
    if not engine.any(what):
        return found
    referring = ibis.union(*(_references(folder, own, engine) for folder in (before, after)))
    return engine.materialise(found.union(referring.semi_join(what, "id").select("patient"), distinct=True))


def _lines(before: Path, after: Path, engine: Engine) -> ir.Table | None:
    """(id): the lines that changed, where `after` was made of `before` and of them."""
    told = after / "facts.json"
    if not (after / CHANGED).is_file() or read_json(told, "flatten").get("follows") != before.name:
        return None
    return engine.read_ndjson(after / CHANGED, {"id": "string"})


@dataclass(frozen=True)
class _Compared:
    """`lines` (id): no row of any other differs; None where that is not known."""

    before: Path
    after: Path
    engine: Engine
    lines: ir.Table | None

    def differing(self, names: list[str], key: str) -> ir.Table:
        """The keys that the two do not have alike."""
        if not names:
            return self.engine.load([], {key: "string"})
        every = ibis.union(*(self._marks(folder, names, key) for folder in (self.before, self.after)))
        alike = every.group_by(key, "n", "mark").having(every.count() == 1).agg()
        return self.engine.materialise(alike.select(key).distinct())

    def _marks(self, folder: Path, names: list[str], key: str) -> ir.Table:
        """(key, n, mark): of each key how many rows, and the sum of their digests, in whatever order they stand."""
        rows = ibis.union(*(self._digests(folder / f"{name}.parquet", name, key) for name in names))
        return self.engine.materialise(rows.group_by(key).agg(n=rows.count(), mark=rows.digest.sum()))

    def _digests(self, path: Path, name: str, key: str) -> ir.Table:
        rows = self.engine.read_parquet(path)
        if self.lines is not None and "id" in rows.columns:
            rows = rows.semi_join(self.lines, "id")
        content = {column: rows[column] for column in rows.columns if column not in ABOUT_THE_ROW}
        digest = ibis.struct({"table": ibis.literal(name), **content}).hash().cast("decimal(38, 0)")
        return rows.select(digest=digest, **{key: _key(rows, name, key)})


def _key(rows: ir.Table, name: str, key: str) -> ir.Value:
    if name == OF_LINES:
        return rows.resource + "/" + rows.id
    return LOOSE[name] + rows.id if name in LOOSE else rows[key]


def _references(folder: Path, names: list[str], engine: Engine) -> ir.Table:
    """(patient, id): what each patient's facts refer to."""
    found = []
    for name in names:
        rows = engine.read_parquet(folder / f"{name}.parquet")
        found += [rows.select("patient", id=rows[column]) for column in REFERRING if column in rows.columns]
        if "encounters" in rows.columns:
            found.append(rows.select("patient", id=rows.encounters.unnest()))
        if name == STATED:
            found.append(rows.select("patient", id=rows.resource + "/" + rows.id))
    return ibis.union(*found)
