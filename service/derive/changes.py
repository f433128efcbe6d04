"""The facts of two runs of one source in, the patient records about whom anything differs out."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir

from service.engine import Engine

ABOUT_THE_ROW = ("source", "version")  # a new version with the same content tells nothing new
# Fact tables that belong to no patient, with what refers to their rows.
LOOSE = {"restricted": "Encounter/", "restricted_claims": "Claim/", "roles": "PractitionerRole/"}
REFERRING = ("encounter", "claim", "general_practitioner")  # columns of one reference; `encounters` has several


def changed_records(before: Path, after: Path, engine: Engine) -> ir.Table:
    """(patient): records that came, went or differ in any row, and those that refer to a loose row that does."""
    tables = sorted({path.stem for folder in (before, after) for path in folder.glob("*.parquet")})
    own = [name for name in tables if "patient" in engine.read_parquet(after / f"{name}.parquet").columns]
    differing = _differing(_marks(before, own, "patient", engine), _marks(after, own, "patient", engine), "patient")
    loose = [name for name in tables if name in LOOSE]
    what = engine.materialise(_differing(_marks(before, loose, "id", engine), _marks(after, loose, "id", engine), "id"))
    referring = ibis.union(*(_references(folder, own, engine) for folder in (before, after)))
    return engine.materialise(differing.union(referring.semi_join(what, "id").select("patient"), distinct=True))


def _differing(before: ir.Table, after: ir.Table, key: str) -> ir.Table:
    """The keys that the two do not have alike."""
    every = before.union(after)
    return every.group_by(key, "n", "mark").having(every.count() == 1).agg().select(key).distinct()


def _marks(folder: Path, names: list[str], key: str, engine: Engine) -> ir.Table:
    """(key, n, mark): of each key how many rows, and the sum of their digests, in whatever order they stand."""
    rows = ibis.union(*(_digests(folder / f"{name}.parquet", name, key, engine) for name in names))
    return engine.materialise(rows.group_by(key).agg(n=rows.count(), mark=rows.digest.sum()))


def _digests(path: Path, name: str, key: str, engine: Engine) -> ir.Table:
    rows = engine.read_parquet(path)
    content = {column: rows[column] for column in rows.columns if column not in ABOUT_THE_ROW}
    digest = ibis.struct({"table": ibis.literal(name), **content}).hash().cast("decimal(38, 0)")
    return rows.select(digest=digest, **{key: LOOSE[name] + rows.id if name in LOOSE else rows[key]})


def _references(folder: Path, names: list[str], engine: Engine) -> ir.Table:
    """(patient, id): what each patient's facts refer to."""
    found = []
    for name in names:
        rows = engine.read_parquet(folder / f"{name}.parquet")
        found += [rows.select("patient", id=rows[column]) for column in REFERRING if column in rows.columns]
        if "encounters" in rows.columns:
            found.append(rows.select("patient", id=rows.encounters.unnest()))
    return ibis.union(*found)
