"""Two values in, what FHIRPath's operators say of them out; nothing in gives nothing out."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir

from service.flatten.views.kinds import DECIMAL, INTEGER, MOMENT, NOTHING, NUMBER, NUMERIC, TEXT, TIME
from service.flatten.views.moments import order, time_order
from service.flatten.views.numbers import DECIMALS
from service.flatten.views.problems import PathProblem
from service.flatten.views.syntax import Binary, Node
from service.flatten.views.typed import Build, Scope, Typed, named, nothing

LOGIC: dict[str, Callable[[Any, Any], Any]] = {"and": operator.and_, "or": operator.or_}
EQUALITY: dict[str, Callable[[Any, Any], Any]] = {"=": operator.eq, "!=": operator.ne}
COMPARISON: dict[str, Callable[[Any, Any], Any]] = EQUALITY | {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def binary(node: Binary, left: Typed, right: Typed) -> Typed:
    if node.operator in LOGIC:
        return _truth(LOGIC[node.operator], _null_if_nothing(left), _null_if_nothing(right))
    if node.operator in COMPARISON:
        return _compared(node, left, right)
    return _computed(node, left, right)


def same_values(left: Typed, right: Typed, node: Binary) -> Typed:
    """= and != of collections: the same values in the same order; nothing where either is empty."""
    _comparable(left, right, node)
    if NOTHING in (left.type, right.type):
        return nothing("boolean")
    equal = EQUALITY[node.operator]

    def build(scope: Scope) -> ir.BooleanValue:
        ours, theirs = left.array()(scope), right.array()(scope)
        one_each = (ours.length() == 1) & (theirs.length() == 1)
        same = equal(_sortable(left, ours[0], scope), _sortable(right, theirs[0], scope))
        if left.kind in (MOMENT, TIME):
            same = equal(_ordered(left, ours[0], theirs[0], scope), 0)
        return ibis.cases(
            ((ours.length() == 0) | (theirs.length() == 0), ibis.null("boolean")),
            (one_each, same),
            else_=equal(
                ours.map(lambda one: _sortable(left, one, scope)), theirs.map(lambda one: _sortable(right, one, scope))
            ),
        )

    return Typed("boolean", False, build)


def negative(of: Typed, node: Node) -> Typed:
    if of.kind not in NUMERIC:
        raise PathProblem(f"there is no negative of {named(of)}", at=node.at, do="take the sign away")
    return Typed(NUMBER if of.kind == DECIMAL else of.type, False, lambda scope: -_sortable(of, of.build(scope), scope))


def _truth(says: Callable[[Any, Any], Any], left: Build, right: Build) -> Typed:
    return Typed("boolean", False, lambda scope: says(left(scope), right(scope)))


def _null_if_nothing(typed: Typed) -> Build:
    return (lambda _: ibis.null("boolean")) if typed.type == NOTHING else typed.build


def _compared(node: Binary, left: Typed, right: Typed) -> Typed:
    _comparable(left, right, node)
    says = COMPARISON[node.operator]
    if NOTHING in (left.type, right.type):
        return nothing("boolean")
    if left.kind in (MOMENT, TIME):
        return Typed("boolean", False, lambda s: says(_ordered(left, left.build(s), right.build(s), s), 0))
    return _truth(says, lambda s: _sortable(left, left.build(s), s), lambda s: _sortable(right, right.build(s), s))


def _comparable(left: Typed, right: Typed, node: Binary) -> None:
    alike = left.kind == right.kind or {left.kind, right.kind} <= set(NUMERIC)
    if NOTHING not in (left.type, right.type) and (left.kind is None or right.kind is None or not alike):
        raise PathProblem(
            f"{named(left)} cannot be compared with {named(right)}",
            at=node.at,
            do="compare values of one kind: 'text', 1.5, true, @2020-01-31, @T12:30",
        )


def _ordered(left: Typed, ours: Any, theirs: Any, scope: Scope) -> ir.IntegerValue:
    return time_order(ours, theirs) if left.kind == TIME else order(ours, theirs, scope.engine)


def _sortable(typed: Typed, value: Any, scope: Scope) -> Any:
    return scope.number(value) if typed.type == "decimal" else value


def _computed(node: Binary, left: Typed, right: Typed) -> Typed:
    if NOTHING in (left.type, right.type):
        return nothing(NUMBER)
    if node.operator == "+" and left.kind == right.kind == TEXT:
        return Typed("string", False, lambda scope: left.build(scope) + right.build(scope))
    if left.kind not in NUMERIC or right.kind not in NUMERIC:
        raise PathProblem(
            f"{node.operator} of {named(left)} and {named(right)} has no meaning", at=node.at, do="compute with numbers"
        )
    if node.operator == "/":
        return Typed(NUMBER, False, lambda scope: _quotient(_exact(left, scope), _exact(right, scope)))
    compute, whole = ARITHMETIC[node.operator], left.kind == right.kind == INTEGER
    if whole:
        return Typed("integer", False, lambda scope: compute(left.build(scope), right.build(scope)))
    return Typed(NUMBER, False, lambda scope: compute(_exact(left, scope), _exact(right, scope)).cast(DECIMALS))


def _exact(typed: Typed, scope: Scope) -> ir.DecimalValue:
    value = _sortable(typed, typed.build(scope), scope)
    return value.cast(DECIMALS) if typed.kind == INTEGER else value


def _quotient(dividend: ir.DecimalValue, divisor: ir.DecimalValue) -> ir.DecimalValue:
    """By zero there is none."""
    return (dividend / divisor.nullif(0)).cast(DECIMALS)
