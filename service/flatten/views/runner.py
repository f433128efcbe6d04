"""A Definition and NDJSON in; its rows as a table, as Parquet or as CSV out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from service.engine import Engine, RowRefused, ShapeMismatch
from service.errors import WrongUsage
from service.flatten.views.definition import Definition
from service.flatten.views.files import files_of
from service.flatten.views.numbers import LOST_DIGITS
from service.flatten.views.problems import a
from service.flatten.views.shape import Seen
from service.flatten.views.transcript import transcribed
from service.flatten.views.view import TYPE, View, compile_view, repeats
from service.lake import committed_file
from service.raw import each_in_one

T = TypeVar("T")
Format = Literal["parquet", "csv"]


@dataclass(frozen=True)
class Flattened:
    """What was written: the file, how many rows, and its columns."""

    file: str
    rows: int
    columns: list[str]

    def lines(self) -> list[str]:
        return [f"{self.file}: {self.rows:,} rows of {', '.join(self.columns)}"]


def run_view(definition: Definition, place: Path, version: str, engine: Engine) -> ir.Table:
    """The view of the resources at `place`, a directory or an NDJSON file; a table of the engine's."""
    return _asked(definition, place, version, engine, engine.materialise)


def write_view(definition: Definition, place: Path, version: str, engine: Engine, out: Path, to: Format) -> Flattened:
    """As `run_view`, straight to a file, which appears when it is whole."""
    with committed_file(out) as part:
        rows, columns = _asked(definition, place, version, engine, lambda table: _written(table, part, to, engine))
        if not rows:
            _check_type(definition, place, engine)
    return Flattened(str(out), rows, columns)


def as_deep_as(files: list[Path], view: View, version: str, engine: Engine) -> View:
    """The view, of which what repeats does so as deep as the lines of these files go."""
    if not repeats(view.definition.select):
        return view
    return compile_view(view.definition, version, _seen(files, view, engine))


def _check_type(definition: Definition, place: Path, engine: Engine) -> None:
    """No rows may be the answer, but not where every line is of another type."""
    lines = engine.scan_ndjson(files_of(place, definition.resource), {TYPE: "string"})
    ours = (lines[TYPE] == definition.resource).sum().fill_null(0)
    counted = engine.row(lines.aggregate(lines=lines.count(), ours=ours))
    if counted["lines"] and not counted["ours"]:
        raise WrongUsage(
            f"none of {counted['lines']:,} lines is {a(definition.resource)}",
            where=str(place),
            do="name other files with --from, or correct the view's resource",
        )


def _written(table: ir.Table, part: Path, to: Format, engine: Engine) -> tuple[int, list[str]]:
    written = engine.write_csv(_plain(table), part) if to == "csv" else engine.write_parquet(table, part)
    return written, list(table.columns)


def _plain(table: ir.Table) -> ir.Table:
    """CSV has no lists, and nobody wants to read twelve zeros."""
    return table.select(**{name: _as_text(table[name]) for name in table.columns})


def _as_text(column: ir.Value) -> ir.Value:
    if isinstance(column.type(), dt.Array):
        return column.cast("json").cast("string")
    if isinstance(column.type(), dt.Decimal):
        return column.cast("string").re_replace(r"[.]?0+$", "")
    return column


def _asked(definition: Definition, place: Path, version: str, engine: Engine, use: Callable[[ir.Table], T]) -> T:
    """`use` of the rows: read the fast way, and where some line does not allow that, line by line."""
    view = compile_view(definition, version)
    files = each_in_one(files_of(place, view.resource), engine.folder)
    view = as_deep_as(files, view, version, engine)
    return fast_or_exactly(
        view,
        lambda: use(_rows(view, files, engine, by_the_digit=False)),
        lambda: _exactly(view, files, engine, use),
    )


def fast_or_exactly(view: View, fast: Callable[[], T], exactly: Callable[[], T]) -> T:
    """`exactly`, which keeps each digit as written, where the view wants that or some line does not allow `fast`.

    What a row is refused for is raised as the view says it.
    """
    try:
        if not view.by_the_digit:
            return fast()
    except ShapeMismatch:
        pass  # line by line it can be told which number it is
    except RowRefused as refused:
        if refused.number != LOST_DIGITS:
            raise view.refusal(refused.number) from refused
    try:
        return exactly()
    except RowRefused as refused:
        raise view.refusal(refused.number) from refused


def _exactly(view: View, files: list[Path], engine: Engine, use: Callable[[ir.Table], T]) -> T:
    with transcribed(files, view, engine.scratch) as lines:
        try:
            return use(_rows(view, [lines], engine, by_the_digit=True))
        except ShapeMismatch as mismatch:
            raise WrongUsage(
                f"a number of some {view.resource} cannot be read as one",
                where=", ".join(map(str, files)),
                do="mend it, or leave its column out of the view",
            ) from mismatch


def _seen(files: list[Path], view: View, engine: Engine) -> Seen:
    """How deep the lines go, which no FHIR model says."""
    try:
        return engine.structure(files, view.resource)
    except ShapeMismatch as mismatch:
        raise WrongUsage(
            "some line is no JSON", where=", ".join(map(str, files)), do="mend it, or take it out"
        ) from mismatch


def _rows(view: View, files: list[Path], engine: Engine, *, by_the_digit: bool) -> ir.Table:
    lines = engine.scan_ndjson(files, view.columns)
    if view.scans > 1:
        lines = engine.materialise(lines)
    return view.rows(lines, engine, by_the_digit=by_the_digit)
