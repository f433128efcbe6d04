"""Views of a hospital's own and a pull in; a Parquet file for each, and what of it could not be used, out.

Their rows stand under the rules of every other fact: of each resource its newest version, nothing that is restricted,
nothing that this service itself wrote, patients by their reference here; what cannot be used is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from service.compose.canonical import INSTALLATION
from service.engine import Engine
from service.errors import LakeProblem
from service.flatten.codings import META, sensitive
from service.flatten.facts import STRAY, WHY, with_strays
from service.flatten.lines import Lines, SetAside, read_lines
from service.flatten.origin import Origin
from service.flatten.own import OwnViews
from service.flatten.own_views import AT, EVIDENCE, PATIENT, check_keys, with_evidence
from service.flatten.views.definition import Definition
from service.flatten.views.runner import as_deep_as, fast_or_exactly
from service.flatten.views.transcript import transcribed
from service.flatten.views.view import View, compile_view
from service.lake import OWN, read_json
from service.raw import in_one

HEAD = {"id": "string", "meta": META.removesuffix(">") + ", tag: array<struct<system: string>>>"}


@dataclass
class OwnTables:
    """`counts` rows by table, `unusable` (resource, text): whose references stand in what was set aside."""

    views: OwnViews
    raw: Path
    facts: Path
    engine: Engine
    source: str
    origin: Origin
    labels: tuple[str, ...]
    version: str
    counts: dict[str, int] = field(default_factory=dict)
    set_aside: list[SetAside] = field(default_factory=list)
    unusable: list[dict[str, str]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    _whole: dict[Path, Path] = field(default_factory=dict)

    def write(self, patients: ir.Table) -> None:
        for each in self.views.definitions:
            self._check_pulled(each)
            self._table(each, patients)

    def _check_pulled(self, definition: Definition) -> None:
        """A type that the server does not offer is unknown; one that nobody asked for is a mistake."""
        manifest: dict[str, Any] = read_json(self.raw / "manifest.json", "pull")
        if definition.resource not in manifest.get("types", {}):
            raise LakeProblem(
                f"no {definition.resource} was pulled, which this view is of",
                where=definition.place,
                do="run `personalize pull` again, or take the view out of the folder",
            )

    def _table(self, definition: Definition, patients: ir.Table) -> None:
        path, name = self._lines(definition), f"{OWN}{definition.name}"
        view = compile_view(with_evidence(definition), self.version)
        view = as_deep_as([path], view, self.version, self.engine)
        check_keys(view)
        view = replace(view, columns=_with_head(view.columns))
        rows = self._judged(self._made(view, path), patients)
        good = rows.filter(rows[WHY].isnull())
        kept = good.select(ibis.literal(self.source).name("source"), *view.types)
        self.counts[name] = self.engine.write_parquet(kept, self.facts / f"{name}.parquet")
        self._list(definition, rows)
        self.engine.release(rows)

    def _lines(self, definition: Definition) -> Path:
        """Of a type that the server does not offer there are none."""
        path = self.raw / f"{definition.resource}.ndjson"
        if path.is_file():
            if path not in self._whole:
                self._whole[path] = in_one(path, self.engine.folder)
            return self._whole[path]
        nothing = self.engine.scratch / path.name
        nothing.touch()
        return nothing

    def _made(self, view: View, path: Path) -> ir.Table:
        lines = read_lines(path, view.columns, self.engine)
        self._misfits(view, lines)
        return fast_or_exactly(
            view, lambda: self._rows(view, lines, by_the_digit=False), lambda: self._exactly(view, lines)
        )

    def _exactly(self, view: View, lines: Lines) -> ir.Table:
        """Once more, each decimal as it was written."""
        with transcribed([lines.file] if lines.file else [], view, self.engine.scratch) as copy:
            written = read_lines(copy, view.columns, self.engine)
            return self._rows(view, written, by_the_digit=True)

    def _rows(self, view: View, lines: Lines, *, by_the_digit: bool) -> ir.Table:
        """Without what is restricted, and without what stands there because this service wrote it."""
        meta = lines.table.meta
        written_by_us = (meta.tag.filter(lambda tag: tag.system == INSTALLATION).length() > 0).fill_null(False)
        hidden = sensitive(meta, self.labels) & ~written_by_us
        self._note(view, lines.table.filter(hidden))
        return self.engine.materialise(
            view.rows(lines.table.filter(~hidden & ~written_by_us), self.engine, by_the_digit=by_the_digit)
        )

    def _note(self, view: View, hidden: ir.Table) -> None:
        if restricted := self.engine.row(hidden.agg(n=hidden.count()))["n"]:
            self.notes[f"restricted-{view.definition.name}"] = restricted

    def _judged(self, rows: ir.Table, patients: ir.Table) -> ir.Table:
        """`patient` as every fact has it, `at` as a moment in UTC, and why a row cannot be used."""
        patient = self.origin.reference(rows[PATIENT], "Patient")
        at = {AT: self.origin.calendar.start(rows[AT])} if AT in rows.columns else {}
        unread = rows[AT].notnull() & at[AT].isnull() if at else ibis.literal(False)
        made = rows.mutate(said=rows[PATIENT], unread=unread, **{PATIENT: patient}, **at)
        told = with_strays(made, patients)
        why = ibis.cases(
            (told[PATIENT].isnull(), "its patient is no Patient of this server"),
            (told.stray, STRAY),
            (told.unread, f"its `{AT}` is no date of FHIR"),
            else_=ibis.null("string"),
        )
        return self.engine.materialise(told.mutate(why=why).drop("stray", "unread"))

    def _list(self, definition: Definition, rows: ir.Table) -> None:
        told = rows.filter(rows[WHY].notnull()).select(EVIDENCE, WHY, "said").distinct()
        for row in self.engine.rows(told.order_by(EVIDENCE, WHY, "said")):
            self.set_aside.append({"where": f"{row[EVIDENCE]} ({definition.name})", "why": row[WHY]})
            if row["said"]:
                self.unusable.append({"resource": definition.resource, "text": row["said"]})

    def _misfits(self, view: View, lines: Lines) -> None:
        self.set_aside += [each | {"where": f"{each['where']} ({view.definition.name})"} for each in lines.set_aside]
        self.unusable += [{"resource": view.resource, "text": each} for each in lines.about]


def _with_head(columns: Mapping[str, dt.DataType]) -> dict[str, dt.DataType]:
    """With what tells which version of a resource counts, and who may see it."""
    head = {name: ibis.dtype(dtype) for name, dtype in HEAD.items()}
    return dict(_both(dt.Struct(dict(columns)), dt.Struct(head)).items())


def _both(one: dt.DataType, other: dt.DataType) -> dt.DataType:
    if isinstance(one, dt.Array) and isinstance(other, dt.Array):
        return dt.Array(_both(one.value_type, other.value_type))
    if isinstance(one, dt.Struct) and isinstance(other, dt.Struct):
        return dt.Struct(dict(_fields(one, other)))
    return one


def _fields(one: dt.Struct, other: dt.Struct) -> Iterator[tuple[str, dt.DataType]]:
    for name in dict.fromkeys((*one.names, *other.names)):
        if name in one and name in other:
            yield name, _both(one[name], other[name])
        else:
            yield name, (one if name in one else other)[name]
