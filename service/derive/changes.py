"""The facts of two runs of one source in, the patient records about whom anything differs out.

A table that is one file in both has nothing that differs. Where the later facts were made of the earlier ones and some
lines alone, only what those lines gave is looked at; else each row.
"""

from __future__ import annotations

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
    tables = [name for name, (then, now) in files.items() if not same_file(then, now)]
    own = [name for name in every if "patient" in engine.read_parquet(after / f"{name}.parquet").columns]
    theirs, lines = [name for name in own if name in tables], _lines(before, after, engine)
    loose = [name for name in tables if name in LOOSE or (name == OF_LINES and lines is None)]
    found = [_of_nobody(engine), _loose(before, after, loose, own, engine)]
    if lines is not None:
        rows = [engine.read_parquet(folder / f"{name}.parquet") for folder in (before, after) for name in theirs]
        found += [each.semi_join(lines, "id").select("patient") for each in rows if "id" in each.columns]
        theirs = [name for name in theirs if "id" not in engine.read_parquet(after / f"{name}.parquet").columns]
    if theirs:
        found.append(_differing(before, after, theirs, "patient", engine))
    return engine.materialise(ibis.union(*found, distinct=True))


def _of_nobody(engine: Engine) -> ir.Table:
    return engine.load([], {"patient": "string"})


def _lines(before: Path, after: Path, engine: Engine) -> ir.Table | None:
    """(id): the lines that changed, where `after` was made of `before` and of them.

    Two types may use one id: then somebody is derived anew for nothing.
    """
    told = after / "facts.json"
    if not (after / CHANGED).is_file() or read_json(told, "flatten").get("follows") != before.name:
        return None
    return engine.read_ndjson(after / CHANGED, {"id": "string"})


def _loose(before: Path, after: Path, loose: list[str], own: list[str], engine: Engine) -> ir.Table:
    """(patient): those who refer to what belongs to no patient, and differs."""
    if not loose:
        return _of_nobody(engine)
    what = engine.materialise(_differing(before, after, loose, "id", engine))
    if not engine.row(what.agg(n=what.count()))["n"]:
        return _of_nobody(engine)
    referring = ibis.union(*(_references(folder, own, engine) for folder in (before, after)))
    return referring.semi_join(what, "id").select("patient")


def _differing(before: Path, after: Path, names: list[str], key: str, engine: Engine) -> ir.Table:
    """The keys that the two do not have alike."""
    every = ibis.union(*(_marks(folder, names, key, engine) for folder in (before, after)))
    return every.group_by(key, "n", "mark").having(every.count() == 1).agg().select(key).distinct()


def _marks(folder: Path, names: list[str], key: str, engine: Engine) -> ir.Table:
    """(key, n, mark): of each key how many rows, and the sum of their digests, in whatever order they stand."""
    rows = ibis.union(*(_digests(folder / f"{name}.parquet", name, key, engine) for name in names))
    return engine.materialise(rows.group_by(key).agg(n=rows.count(), mark=rows.digest.sum()))


def _digests(path: Path, name: str, key: str, engine: Engine) -> ir.Table:
    rows = engine.read_parquet(path)
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
