"""What a path is known to be before any line is read: its type, whether it repeats, and how Ibis says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from service.engine import Engine
from service.flatten.views.kinds import DECIMAL, NOTHING, NUMBER, TEXT, WRITTEN, kind, written_as
from service.flatten.views.numbers import carried, number
from service.flatten.views.problems import a
from service.flatten.views.shape import Shape


@dataclass(frozen=True)
class Row:
    """A resource as a focus: its elements are a table's columns. `when`: a criterion that it has to meet."""

    table: ir.Table
    when: ir.BooleanValue | None = None

    def __getitem__(self, name: str) -> ir.Value:
        value = self.table[name]
        return value if self.when is None else ibis.cases((self.when, value))

    def notnull(self) -> ir.BooleanValue:
        return ibis.literal(True) if self.when is None else self.when.fill_null(False)

    def only(self, criterion: ir.BooleanValue) -> Row:
        return replace(self, when=criterion if self.when is None else self.when & criterion)


@dataclass(frozen=True)
class Scope:
    """Where an expression is put: `this` is $this, an Ibis value or a Row.

    `by_the_digit`: decimals stand there as they were written, not as the nearest double.
    """

    this: Any
    row_index: ir.IntegerValue
    engine: Engine
    by_the_digit: bool = False

    def on(self, this: Any) -> Scope:
        return replace(self, this=this)

    def number(self, text: ir.StringValue) -> ir.DecimalValue:
        """The decimal that was read as text."""
        return number(text) if self.by_the_digit else carried(text, self.engine)


Build = Callable[[Scope], Any]


@dataclass(frozen=True)
class Typed:
    """`build` gives an Ibis value, an array where `many`; null and the empty array both mean empty.

    `beside` is, of a primitive element, the object that holds its id and extensions. `choices` are set as long as
    `type` is not settled: until then nothing can be built.
    """

    type: str
    many: bool
    build: Build
    shape: Shape | None = None
    beside: Callable[[], Typed] | None = None
    choices: Choices | None = None

    @property
    def kind(self) -> str | None:
        return kind(self.type)

    @property
    def item(self) -> Typed:
        """One of it, as the focus of a criterion or of a row."""
        return replace(self, many=False, build=lambda scope: scope.this, beside=None)

    def each(self, type_: str, made: Callable[[Scope, Any], Any]) -> Typed:
        """`made` of each value: one out for one in."""

        def build(scope: Scope) -> Any:
            value = self.build(scope)
            return value.map(lambda one: made(scope, one)) if self.many else made(scope, value)

        return Typed(type_, self.many, build)

    def nodes(self) -> Build:
        """As an array in any case."""
        return self.build if self.many else self.array()

    def array(self) -> Build:
        """As an array in any case, never null."""

        def build(scope: Scope) -> ir.ArrayValue:
            value = self.build(scope)
            if self.many:
                return ibis.coalesce(value, _empty(value.type()))
            return ibis.cases((value.notnull(), ibis.array([value])), else_=_empty(f"array<{value.type()}>"))

        return build

    def present(self) -> Build:
        """exists(), which is never null."""
        if self.many:
            return lambda scope: (self.build(scope).length() > 0).fill_null(False)
        return lambda scope: self.build(scope).notnull()


@dataclass(frozen=True)
class Choices:
    """value[x]: what it is of each type that it may have."""

    name: str
    options: Mapping[str, Callable[[], Typed]]


def _empty(dtype: Any) -> ir.ArrayValue:
    return ibis.literal([], dtype)


def literal(value: Any, type_: str) -> Typed:
    """`value` as JSON has it, `type_` a FHIR type."""
    dtype = WRITTEN.get(kind(type_) or TEXT, "string")
    known = ibis.literal(value, dtype)
    return Typed(NUMBER if kind(type_) == DECIMAL else type_, False, lambda _: known)


def nothing(type_: str = NOTHING) -> Typed:
    null = ibis.null(written_as(type_) if kind(type_) else "string")
    return Typed(type_, False, lambda _: null)


def named(typed: Typed) -> str:
    """What it is, for a person."""
    return a(typed.type)
