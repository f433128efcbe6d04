"""A column of a ViewDefinition and its focus in, one value a row out: its name, its type and how Ibis says it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from service.flatten.views.definition import Column
from service.flatten.views.kinds import NOTHING, kind, written_as
from service.flatten.views.paths import ROW_INDEX, Paths
from service.flatten.views.problems import PathProblem
from service.flatten.views.typed import Build, Scope, Typed, named

FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."


@dataclass(frozen=True)
class ViewColumn:
    """`index`: it is %rowIndex itself, which is 0 in the row that stands for no focus."""

    name: str
    dtype: dt.DataType
    build: Build
    index: bool = False

    def absent(self) -> ViewColumn:
        """In the row that stands for no focus."""
        null = ibis.literal(0, self.dtype) if self.index else ibis.null(self.dtype)
        return replace(self, build=lambda _: null)

    def if_present(self, focus_there: ir.BooleanValue, scope: Scope) -> ir.Value:
        return ibis.cases((focus_there, self.build(scope)), else_=self.absent().build(scope))


def view_column(paths: Paths, column: Column, part: str, focus: Typed) -> ViewColumn:
    typed = paths.typed(column.path, part, focus)
    type_ = _type(paths, column, part, typed)
    one = written_as(type_)
    dtype = ibis.dtype(f"array<{one}>" if column.collection else one)
    found = _written(typed)
    if column.collection:
        build = found.array() if typed.type != NOTHING else lambda _: ibis.literal([], dtype)
    else:
        build = paths.single_column(found, column.path, part).build
    return ViewColumn(column.name, dtype, lambda scope: _cast(build(scope), dtype), _is_index(column))


def _cast(found: ir.Value, dtype: dt.DataType) -> ir.Value:
    return found if found.type() == dtype else found.cast(dtype)


def _is_index(column: Column) -> bool:
    return column.path.strip() == f"%{ROW_INDEX}"


def _written(typed: Typed) -> Typed:
    """Text becomes a number only here, since its digits may have been needed."""
    if typed.type != "decimal":
        return typed
    return typed.each(typed.type, lambda scope, text: scope.number(text))


def _type(paths: Paths, column: Column, part: str, typed: Typed) -> str:
    """Its own type, or for what has none the one that the view declares."""
    declared = (column.type or "").removeprefix(FHIR_TYPE).removeprefix(SYSTEM_TYPE)
    declared = declared if kind(declared) else declared[:1].lower() + declared[1:]
    if typed.type == NOTHING:
        return declared if kind(declared) else "string"
    if typed.kind is None:
        raise _wrong(
            paths,
            column,
            part,
            f"the column {column.name} would be {named(typed)}, which is no single value",
            "end the path at one of its elements",
        )
    if declared and not _fits(typed, declared):
        raise _wrong(
            paths,
            column,
            part,
            f"the column {column.name} is declared as {column.type}, and is {named(typed)}",
            f"declare it as {typed.type}, or leave its type out",
        )
    return declared or typed.type


def _fits(typed: Typed, declared: str) -> bool:
    """An integer may be written as a decimal, and everything that is read as text as text."""
    written = {written_as(typed.type), written_as(declared)} if kind(declared) else set()
    return len(written) == 1 or (
        written_as(declared) != "boolean" and typed.kind == "integer" and kind(declared) == "decimal"
    )


def _wrong(paths: Paths, column: Column, part: str, what: str, do: str) -> Exception:
    return paths.definition.wrong(PathProblem(what, at=0, do=do), part, column.path)
