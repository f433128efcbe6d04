"""A call in a FHIRPath and what it is called on in, its result out: one function here for each that a view may call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis

from service.flatten.views import moments, navigation, numbers
from service.flatten.views.keys import reference_key
from service.flatten.views.kinds import DECIMAL, NOTHING, NUMBER, TEXT
from service.flatten.views.problems import PathProblem, a, closest
from service.flatten.views.syntax import Call, Literal, Member, Node, This
from service.flatten.views.typed import Scope, Typed, literal, named, nothing

if TYPE_CHECKING:
    from service.flatten.views.paths import Path

Made = Callable[[Any], Any]
BOUNDARIES: dict[str, tuple[Made, Made]] = {
    "decimal": (numbers.low, numbers.high),
    "date": (moments.first_date, moments.last_date),
    "dateTime": (moments.first_instant, moments.last_instant),
    "instant": (moments.first_instant, moments.last_instant),
    "time": (moments.first_time, moments.last_time),
}


@dataclass(frozen=True)
class Called:
    """A call where it stands: on what, with which arguments, and the focus around it."""

    path: Path
    node: Call
    of: Typed
    focus: Typed

    @property
    def arguments(self) -> tuple[Node, ...]:
        return self.node.arguments

    def type_name(self) -> str:
        match self.arguments[0]:
            case Member(of=This(), name=name) | Member(of=Member(of=This(), name="FHIR" | "System"), name=name):
                return name
        raise PathProblem("a type is meant here", at=self.arguments[0].at, do=f"as in {self.node.name}(Quantity)")

    def text(self) -> str:
        argument = self.path.value(self.arguments[0], self.focus)
        match self.arguments[0]:
            case Literal(value=str() as text):
                return text
        raise PathProblem(
            f"a text is meant here, and this is {named(argument)}",
            at=self.arguments[0].at,
            do="put it in quotes: '...'",
        )


@dataclass(frozen=True)
class Function:
    """`unsettled`: it may be asked of value[x] before its type is known."""

    apply: Callable[[Called], Typed]
    least: int = 0
    most: int = 0
    unsettled: bool = False


def call(path: Path, node: Call, of: Typed, focus: Typed) -> Typed:
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise PathProblem(
            f"{node.name}() is no function of SQL on FHIR",
            at=node.at,
            do=closest(node.name, FUNCTIONS, f"there are {', '.join(FUNCTIONS)}"),
        )
    if not function.least <= len(node.arguments) <= function.most:
        wants = " or ".join(str(n) for n in range(function.least, function.most + 1))
        raise PathProblem(f"{node.name}() takes {wants} arguments", at=node.at, do="count them again")
    return function.apply(Called(path, node, of if function.unsettled else navigation.settled(of, node.of), focus))


def _where(called: Called) -> Typed:
    if called.of.type == NOTHING:
        return called.of
    criterion = called.arguments[0]
    item = navigation.settled(called.of, called.node).item
    return navigation.where(called.of, called.path.truth(called.path.value(criterion, item), criterion))


def _exists(called: Called) -> Typed:
    if called.arguments:
        return Typed("boolean", False, _where(called).present())
    if called.of.choices is None:
        return Typed("boolean", False, called.of.present())
    options = [option().present() for option in called.of.choices.options.values()]
    return Typed("boolean", False, lambda scope: ibis.or_(*(each(scope) for each in options)))


def _empty(called: Called) -> Typed:
    exists = _exists(called)
    return Typed("boolean", False, lambda scope: ~exists.build(scope))


def _count(called: Called) -> Typed:
    if called.of.many:
        return Typed("integer", False, lambda scope: called.of.build(scope).length().fill_null(0))
    there = called.of.present()
    return Typed("integer", False, lambda scope: there(scope).cast("int64"))


def _not(called: Called) -> Typed:
    truth = called.path.truth(called.of, called.node.of)
    return truth if truth.type == NOTHING else Typed("boolean", False, lambda scope: ~truth.build(scope))


def _first(called: Called) -> Typed:
    return navigation.first(called.of)


def _of_type(called: Called) -> Typed:
    return navigation.of_type(called.of, called.type_name(), called.node)


def _extension(called: Called) -> Typed:
    extensions = navigation.member(called.of, "extension", called.node, called.path.paths.model)
    if extensions.type == NOTHING:
        return extensions
    url = navigation.member(extensions.item, "url", called.node, called.path.paths.model)
    wanted = called.text()
    return navigation.where(extensions, Typed("boolean", False, lambda scope: url.build(scope) == wanted))


def _join(called: Called) -> Typed:
    separator = called.text() if called.arguments else ""
    if called.of.type == NOTHING:
        return literal("", "string")
    if called.of.kind != TEXT:
        raise PathProblem(
            f"join() makes a text of texts, and this is {named(called.of)}", at=called.node.at, do="join texts"
        )
    array = called.of.array()
    return Typed("string", False, lambda scope: array(scope).join(separator))


def _boundary(which: int) -> Callable[[Called], Typed]:
    def apply(called: Called) -> Typed:
        if called.of.type == NOTHING:
            return called.of
        if called.of.type not in BOUNDARIES:
            raise PathProblem(
                f"{called.node.name}() has no meaning for {named(called.of)}",
                at=called.node.at,
                do=f"ask it of {', '.join(BOUNDARIES)}",
            )
        if called.of.kind == DECIMAL:
            called.path.paths.by_the_digit = True
        made = BOUNDARIES[called.of.type][which]
        return called.of.each(NUMBER if called.of.kind == DECIMAL else called.of.type, lambda _, one: made(one))

    return apply


def _resource_key(called: Called) -> Typed:
    model = called.path.paths.model
    if not model.is_resource(called.of.type) or called.of.many:
        raise PathProblem("only a resource has a key", at=called.node.at, do="ask it of the view's resource itself")
    identity = navigation.member(called.of, "id", called.node, model)
    refused = called.path.refuse(
        f"{a(called.of.type)} has no id, so that it has no key", called.node, "give each resource an id, or use no key"
    )

    def build(scope: Scope) -> Any:
        known = identity.build(scope)
        return ibis.cases((known.isnull(), scope.engine.refuse(refused, "string")), else_=f"{called.of.type}/" + known)

    return Typed("string", False, build)


def _reference_key(called: Called) -> Typed:
    if called.of.type == NOTHING:
        return nothing("string")
    if called.of.type != "Reference":
        raise PathProblem(
            f"only a Reference has such a key, and this is {named(called.of)}",
            at=called.node.at,
            do="ask it of a Reference",
        )
    type_ = called.type_name() if called.arguments else None
    reference = navigation.member(called.of, "reference", called.node, called.path.paths.model)
    keys = reference.each("string", lambda _, text: reference_key(text, type_))
    return navigation.without_holes(keys)


FUNCTIONS = {
    "where": Function(_where, 1, 1),
    "exists": Function(_exists, 0, 1, unsettled=True),
    "empty": Function(_empty, unsettled=True),
    "count": Function(_count),
    "not": Function(_not),
    "first": Function(_first),
    "ofType": Function(_of_type, 1, 1, unsettled=True),
    "extension": Function(_extension, 1, 1),
    "join": Function(_join, 0, 1),
    "lowBoundary": Function(_boundary(0)),
    "highBoundary": Function(_boundary(1)),
    "getResourceKey": Function(_resource_key),
    "getReferenceKey": Function(_reference_key, 0, 1),
}
