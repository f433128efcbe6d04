"""One NDJSON file in; out come its resources as a typed table, newest version of each only, and what did not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import msgspec

from service.engine import Engine, ShapeMismatch

SetAside = dict[str, str]
OF_PATIENT = ("subject", "patient")
KINDS: dict[type[dt.DataType], Any] = {dt.Array: list, dt.Struct: dict, dt.Boolean: bool, dt.Int64: int}


@dataclass(frozen=True)
class Lines:
    """`rows` how many there are; `about`: the references by which those set aside say whose they are.

    `file` holds the lines that could be read, and perhaps several versions of a resource.
    """

    table: ir.Table
    rows: int
    set_aside: list[SetAside]
    duplicates: int
    about: list[str] = field(default_factory=list)
    file: Path | None = None


def read_lines(path: Path, columns: Mapping[str, str | dt.DataType], engine: Engine) -> Lines:
    """`columns` are Ibis types by field; `id` and `meta` must be among them. A missing file holds no resources."""
    if not path.is_file():
        return Lines(engine.load([], columns), 0, [], 0)
    misfits: list[tuple[SetAside, str | None]] = []
    try:
        file, table = path, engine.read_ndjson(path, columns)
    except ShapeMismatch:
        file = engine.scratch / f"{uuid4().hex}-{path.name}"
        misfits = list(_sieve(path, file, columns))
        table = engine.read_ndjson(file, columns)
    told = engine.row(table.aggregate(lines=table.count(), ids=table.id.nunique(), bare=table.id.isnull().sum()))
    lines, rows = int(told["lines"]), int(told["ids"]) + int(told["bare"] or 0)
    about = [whose for _, whose in misfits if whose]
    newest = _newest(table, engine) if rows < lines else table
    return Lines(newest, rows, [each for each, _ in misfits], lines - rows, about, file)


def _newest(table: ir.Table, engine: Engine) -> ir.Table:
    """Pages overlap and exports repeat: of lines with one id the newest counts, the last where nothing tells."""
    version = table.meta.versionId
    order = ibis.window(
        group_by=table.id,
        order_by=[
            engine.moment(table.meta.lastUpdated).desc(nulls_first=False),
            version.try_cast("int64").desc(nulls_first=False),
            version.desc(nulls_first=False),
            engine.line(table).desc(),
        ],
    )
    ranked = table.mutate(rank=ibis.row_number().over(order))
    return engine.materialise(ranked.filter((ranked["rank"] == 0) | ranked.id.isnull()).drop("rank"))


def _sieve(path: Path, into: Path, columns: Mapping[str, str | dt.DataType]) -> Iterator[tuple[SetAside, str | None]]:
    """Copies the lines of the right shape; tells of the others, and whose they are. Slow, and only met where a file
    holds such a line."""
    shape = dt.Struct({name: ibis.dtype(dtype) for name, dtype in columns.items()})
    with path.open("rb") as lines, into.open("wb") as kept:
        for number, line in enumerate(lines, 1):
            resource, misfit = _decoded(line, shape)
            if misfit:
                yield {"where": _place(resource, path, number), "why": misfit}, _whose(resource)
            else:
                kept.write(line)


def _decoded(line: bytes, shape: dt.Struct) -> tuple[Any, str]:
    try:
        resource = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None, "the line is no JSON"
    element = misfit(resource, shape, "")
    return resource, f"{element} does not have the shape that FHIR gives it" if element else ""


def misfit(value: Any, shape: Any, path: str) -> str:
    """The path of the first element whose JSON kind is not the one that FHIR gives it; empty when all fit."""
    if value is None or isinstance(shape, dt.String):
        return ""
    if not isinstance(value, KINDS[type(shape)]):
        return path or "the line"
    parts: list[tuple[Any, Any, str]] = []
    if isinstance(shape, dt.Array):
        parts = [(item, shape.value_type, path) for item in value]
    if isinstance(shape, dt.Struct):
        parts = [(value.get(name), part, f"{path}.{name}".lstrip(".")) for name, part in shape.items()]
    return next(filter(None, (misfit(*part) for part in parts)), "")


def _place(resource: Any, path: Path, number: int) -> str:
    if isinstance(resource, dict) and isinstance(resource.get("id"), str):
        return f"{path.stem}/{resource['id']}"
    return f"{path.name} line {number}"


def _whose(resource: Any) -> str | None:
    """The reference by which it names its patient, where at least that can be read."""
    holders = (resource.get(name) for name in OF_PATIENT) if isinstance(resource, dict) else ()
    named = (holder.get("reference") for holder in holders if isinstance(holder, dict))
    return next((text for text in named if isinstance(text, str)), None)
