"""A ViewDefinition's file in; out comes the same as one of the hospital's own facts: with a name, keys and evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from service.errors import WrongUsage
from service.flatten.views.definition import NAME, Column, Definition, Select, read_definition
from service.flatten.views.view import View, compile_view

PATIENT, AT = "patient", "at"
EVIDENCE, VERSION = "evidence", "evidence_version"
KEY = '{"name": "patient", "path": "subject.getReferenceKey(Patient)"}'
TEXT = {PATIENT: "a reference, as getReferenceKey() gives it", AT: "a date, dateTime or instant"}


def named(path: Path) -> Definition:
    definition = read_definition(path)
    name = definition.name or path.stem
    if not re.fullmatch(NAME, name):
        raise WrongUsage(
            f"{name!r} cannot be a table's name", where=str(path), do='give the view a "name" of letters, digits and _'
        )
    if taken := sorted({EVIDENCE, VERSION, "source"}.intersection(_columns(definition.select))):
        raise WrongUsage(
            f"every row has a column {taken[0]} already, which tells where it comes from",
            where=f"{path}: column {taken[0]}",
            do="give that column another name, or leave it out",
        )
    return definition.model_copy(update={"name": name})


def _columns(selects: tuple[Select, ...]) -> Iterator[str]:
    for each in selects:
        yield from (column.name for column in each.column)
        yield from _columns(each.select + each.union_all)


def with_evidence(definition: Definition) -> Definition:
    """Beside its own columns the resource and its version, so that each number can be traced."""
    traced = (
        Column(name=EVIDENCE, path=f"'{definition.resource}/' + id"),
        Column(name=VERSION, path="meta.versionId"),
    )
    return definition.model_copy(update={"select": (*definition.select, Select(column=traced))})


def compiles(definition: Definition, version: str) -> None:
    check_keys(compile_view(definition, version))


def check_keys(view: View) -> None:
    """A fact is somebody's, and where it says when, in words that can be read."""
    place, types = view.definition.place, view.types
    if PATIENT not in types:
        raise WrongUsage(
            f"the view has no column `{PATIENT}`, so that nobody knows whose its rows are", where=place, do=f"add {KEY}"
        )
    for name, wanted in TEXT.items():
        if name in types and not types[name].is_string():
            raise WrongUsage(f"the column `{name}` is of type {types[name]}", where=place, do=f"make it {wanted}")
