"""`repeat` and its focus in, all nodes below it as one array out: itself first, then what is in it, in order.

A nested schema has an end and a recursive element has none, so that the lines themselves are asked how deep they go
before the schema is made (Shape.seen). What a path does not find in one kind of node is empty there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from service.errors import WrongUsage
from service.flatten.views.elements import Element
from service.flatten.views.kinds import kind, read_as
from service.flatten.views.paths import Paths
from service.flatten.views.shape import Seen, Shape, merged
from service.flatten.views.typed import Scope, Typed, nothing

# Each place where nodes stand is a part of the schema and of the query, and DuckDB doubles its memory with each level.
MOST_PLACES, DEEPEST = 100, 12

Nodes = Callable[[Scope], list[ir.ArrayValue]]


def repeated(paths: Paths, texts: tuple[str, ...], part: str, focus: Typed) -> Typed:
    repeat = _Repeat(paths, texts, part)
    return repeat.typed(repeat.below(focus))


class _Repeat:
    def __init__(self, paths: Paths, texts: tuple[str, ...], part: str) -> None:
        self.paths, self.texts, self.part = paths, texts, part
        self.node: Shape | None = None  # what is wanted of every node, wherever it stands
        self.seen: list[Seen] = []

    def typed(self, nodes: Nodes) -> Typed:
        if self.node is None:
            return nothing()
        node = self.node
        node.seen = merged(self.seen)

        def build(scope: Scope) -> ir.ArrayValue:
            return _joined(nodes(scope)) if self.seen else ibis.literal([], dt.Array(_dtype(node)))

        return Typed(node.type, True, build, node)

    def below(self, focus: Typed, depth: int = 0) -> Nodes:
        """An array of nodes for each path that finds some from here: each node, and all below it."""
        found = [typed for n, text in enumerate(self.texts) if (typed := self._found(n, text, focus))]
        if found and (depth == DEEPEST or len(self.seen) > MOST_PLACES):
            raise self._wrong("the lines go deeper than a repeat can follow", self.part, "leave repeat out for forEach")
        deeper = [self.below(typed.item, depth + 1) for typed in found]

        def build(scope: Scope) -> list[ir.ArrayValue]:
            return [self._with_all_below(*each, scope) for each in zip(found, deeper, strict=True)]

        return build

    def _found(self, n: int, text: str, focus: Typed) -> Typed | None:
        typed = self.paths.typed_if_there(text, f"{self.part}[{n}]", focus)
        if typed is None or typed.shape is None:
            return None
        self._alike(typed, f"{self.part}[{n}]")
        if not typed.shape.present or self.node is None:
            return None
        typed.shape.like.append(self.node)
        self.seen.append(typed.shape.seen)
        return typed

    def _alike(self, typed: Typed, part: str) -> None:
        if self.node is None:
            self.node = Shape(typed.type)
            self.node.field(Element("id", "string", many=False))  # a row needs something to be made of
        if self.node.type != typed.type:
            what = f"repeat would mix {self.node.type} with {typed.type}"
            raise self._wrong(what, part, "make a unionAll of two repeats")

    def _with_all_below(self, typed: Typed, deeper: Nodes, scope: Scope) -> ir.ArrayValue:
        def with_itself(one: Any) -> ir.ArrayValue:
            return _joined([ibis.array([_only(one, _dtype(self.node))]), *deeper(scope.on(one))])

        return typed.array()(scope).map(with_itself).flatten()

    def _wrong(self, what: str, part: str, do: str) -> WrongUsage:
        return WrongUsage(what, where=f"{self.paths.definition.place}: {part}", do=do)


def _joined(arrays: list[ir.ArrayValue]) -> ir.ArrayValue:
    # Ibis's own concat says each of its sides twice, which would double the query with each level.
    return ibis.array(arrays).flatten()


def _dtype(node: Shape | None) -> dt.DataType:
    assert node is not None
    return ibis.dtype(read_as(node.type)) if kind(node.type) else dt.Struct(node.columns())


def _only(value: Any, wanted: dt.DataType) -> Any:
    """The same fields at every depth, or the nodes would be of different types."""
    if isinstance(wanted, dt.Array):
        return value.map(lambda one: _only(one, wanted.value_type))
    if isinstance(wanted, dt.Struct):
        return ibis.cases((value.notnull(), ibis.struct({name: _only(value[name], of) for name, of in wanted.items()})))
    return value
