"""The elements that a view's paths touch in; the smallest nested schema that holds them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from service.flatten.views.elements import Element
from service.flatten.views.kinds import kind, read_as

# What the lines hold of it: objects as dicts, lists as lists of one, all else as words; None where no line holds it.
Seen = Any
ONLY_THAT_IT_IS_THERE = {"id": dt.string}  # a struct needs a field; every element may have an id


class Shape:
    """One element, or the resource, as it will be read; it grows while paths are compiled.

    `like` are shapes read here as well: what is wanted of every node of a `repeat` is wanted at each place where one
    stands.
    """

    def __init__(self, type_: str, seen: Seen = None) -> None:
        self.type, self.seen = type_, seen
        self.like: list[Shape] = []
        self._fields: dict[str, tuple[Element, Shape]] = {}

    def field(self, element: Element) -> Shape:
        if element.name not in self._fields:
            self._fields[element.name] = (element, Shape(element.type, self._seen(element.name)))
        return self._fields[element.name][1]

    @property
    def present(self) -> bool:
        """Whether any line was seen to hold it."""
        return self.seen is not None

    def columns(self) -> dict[str, dt.DataType]:
        return _fields([self])

    @property
    def fields(self) -> Mapping[str, tuple[Element, Shape]]:
        return self._fields

    def _seen(self, name: str) -> Seen:
        inside = self.seen[0] if isinstance(self.seen, list) and self.seen else self.seen
        return inside.get(name) if isinstance(inside, dict) else None


def _fields(shapes: Iterable[Shape]) -> dict[str, dt.DataType]:
    found: dict[str, list[tuple[Element, Shape]]] = {}
    for shape in _with_those_alike(shapes):
        for name, field in shape.fields.items():
            found.setdefault(name, []).append(field)
    return {name: _dtype(fields) for name, fields in found.items()}


def _with_those_alike(shapes: Iterable[Shape]) -> Iterable[Shape]:
    for shape in shapes:
        yield shape
        yield from _with_those_alike(shape.like)


def _dtype(fields: list[tuple[Element, Shape]]) -> dt.DataType:
    element = fields[0][0]
    if kind(element.type):
        one = ibis.dtype(read_as(element.type))
    else:
        one = dt.Struct(_fields(shape for _, shape in fields) or ONLY_THAT_IT_IS_THERE)
    return dt.Array(one) if element.many else one


def merged(seen: list[Seen]) -> Seen:
    """What several places hold between them."""
    known = [each[0] if isinstance(each, list) and each else each for each in seen if each is not None]
    objects = [each for each in known if isinstance(each, dict)]
    if not objects:
        return known[0] if known else None
    names = dict.fromkeys(name for each in objects for name in each)
    return {name: merged([each[name] for each in objects if name in each]) for name in names}
