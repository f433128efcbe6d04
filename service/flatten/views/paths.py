"""One FHIRPath of a view and its focus in, what it is and how Ibis says it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import ibis
import ibis.expr.types as ir

from service.errors import WrongUsage
from service.flatten.views import functions, navigation, operators, syntax
from service.flatten.views.definition import Constant, Definition
from service.flatten.views.elements import FhirModel
from service.flatten.views.kinds import BOOLEAN, INTEGER, NOTHING
from service.flatten.views.problems import PathProblem, UnknownElement, closest
from service.flatten.views.typed import Build, Scope, Typed, literal, named

ROW_INDEX = "rowIndex"


@dataclass
class Paths:
    """`refusals` are what may be found wrong line by line; an expression names one by its place in the list.

    `by_the_digit` and `indexed` tell what the paths so far need: decimals as they were written, %rowIndex.
    """

    definition: Definition
    model: FhirModel
    refusals: list[WrongUsage] = field(default_factory=list)
    by_the_digit: bool = False
    indexed: bool = False

    def typed(self, path: str, part: str, focus: Typed) -> Typed:
        """Raises WrongUsage, naming `part` of the view, where the path makes no sense of `focus`."""
        with self._place(part, path):
            return Path(self, part, path).value(syntax.parse(path), focus)

    def typed_if_there(self, path: str, part: str, focus: Typed) -> Typed | None:
        """None where `focus` has no such element."""
        with self._place(part, path):
            try:
                return Path(self, part, path).value(syntax.parse(path), focus)
            except UnknownElement:
                return None

    def truth(self, path: str, part: str, focus: Typed) -> Typed:
        """A path that has to say yes or no."""
        with self._place(part, path):
            node = syntax.parse(path)
            compiling = Path(self, part, path)
            return compiling.truth(compiling.value(node, focus), node)

    def single_column(self, typed: Typed, path: str, part: str) -> Typed:
        return Path(self, part, path).single(typed, do="take first(), or set the column's collection to true")

    @contextmanager
    def _place(self, part: str, path: str) -> Iterator[None]:
        try:
            yield
        except PathProblem as problem:
            raise self.definition.wrong(problem, part, path) from problem

    def constant(self, name: str) -> Constant | None:
        return next((each for each in self.definition.constant if each.name == name), None)


@dataclass(frozen=True)
class Path:
    paths: Paths
    part: str
    text: str

    def value(self, node: syntax.Node, focus: Typed) -> Typed:
        """Of one known type."""
        return navigation.settled(self.typed(node, focus), node)

    def typed(self, node: syntax.Node, focus: Typed) -> Typed:
        match node:
            case syntax.This():
                return focus
            case syntax.Literal(value=value, type=type_):
                return literal(value, type_)
            case syntax.Constant(name=name):
                return self._constant(name, node)
            case syntax.Member(of=of, name=name):
                return self._member(self.typed(of, focus), name, node)
            case syntax.Index(of=of, index=index):
                at = self._of_kind(self.value(index, focus), INTEGER, "an index is a whole number", index)
                return navigation.indexed(self.value(of, focus), self.single(at, index))
            case syntax.Negative(of=of):
                return operators.negative(self.single(self.value(of, focus), of), node)
            case syntax.Binary():
                return self._binary(node, focus)
            case syntax.Call():
                return functions.call(self, node, self.typed(node.of, focus), focus)
        raise PathProblem("this is nothing that a view can say", at=node.at, do=syntax.SUPPORTED)

    def truth(self, typed: Typed, node: syntax.Node) -> Typed:
        return self.single(self._of_kind(typed, BOOLEAN, "a criterion has to be true or false", node), node)

    def single(self, typed: Typed, node: syntax.Node | None = None, do: str = "") -> Typed:
        """The only value; several are refused as soon as a line brings them."""
        if not typed.many:
            return typed
        remedy = do or "take first(), or filter by where()"
        refused = self.refuse("there are several values where one is meant", node, remedy)
        return replace(typed, many=False, build=self._only(typed, refused))

    def refuse(self, what: str, node: syntax.Node | None, do: str) -> int:
        """What is said when a line proves to be so."""
        problem = PathProblem(what, at=node.at if node else 0, do=do)
        self.paths.refusals.append(self.paths.definition.wrong(problem, self.part, self.text))
        return len(self.paths.refusals) - 1

    def _only(self, typed: Typed, refused: int) -> Build:
        def build(scope: Scope) -> ir.Value:
            values = typed.build(scope)
            several = scope.engine.refuse(refused, values.type().value_type)
            return ibis.cases((values.length() > 1, several), else_=values[0])

        return build

    def _of_kind(self, typed: Typed, kind: str, why: str, node: syntax.Node) -> Typed:
        if typed.kind != kind and typed.type != NOTHING:
            raise PathProblem(f"{why}, and this is {named(typed)}", at=node.at, do="compare it, or ask exists() of it")
        return typed

    def _constant(self, name: str, node: syntax.Node) -> Typed:
        if name == ROW_INDEX:
            self.paths.indexed = True
            return Typed("integer", False, lambda scope: scope.row_index)
        constant = self.paths.constant(name)
        if constant is None:
            known = [each.name for each in self.paths.definition.constant]
            raise PathProblem(
                f"no constant is named {name}", at=node.at, do=closest(name, known, "add it to the view's constant")
            )
        return literal(constant.value, constant.type)

    def _member(self, of: Typed, name: str, node: syntax.Node) -> Typed:
        return navigation.member(of, name, node, self.paths.model)

    def _binary(self, node: syntax.Binary, focus: Typed) -> Typed:
        left, right = self.value(node.left, focus), self.value(node.right, focus)
        if node.operator in operators.EQUALITY and (left.many or right.many):
            return operators.same_values(left, right, node)
        if node.operator in operators.LOGIC:
            left, right = self.truth(left, node.left), self.truth(right, node.right)
        return operators.binary(node, self.single(left, node.left), self.single(right, node.right))
