"""A value and the name of an element, a type or a place in it in; what stands there out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir

from service.flatten.views.elements import Choice, Element, FhirModel
from service.flatten.views.kinds import CHOICE, NOTHING, kind
from service.flatten.views.problems import PathProblem, UnknownElement, a, closest
from service.flatten.views.shape import Shape
from service.flatten.views.syntax import Node
from service.flatten.views.typed import Build, Choices, Scope, Typed, named

BESIDE = ("id", "extension")  # what a primitive element may have as well, under its name with an underscore


def member(of: Typed, name: str, node: Node, model: FhirModel) -> Typed:
    if of.type == NOTHING:
        return of
    if of.beside and name in BESIDE:
        of = of.beside()
    if settled(of, node).shape is None:
        raise PathProblem(f"{named(of)} has no elements", at=node.at, do="leave the rest of the path out")
    found = model.elements(of.type).get(name)
    if found is None and name == of.type:
        return of  # Patient.name is name
    if found is None:
        raise _unknown(of, name, node, model)
    return _chosen(of, found) if isinstance(found, Choice) else stepped(of, found)


def stepped(of: Typed, element: Element) -> Typed:
    shape = of.shape.field(element) if of.shape else Shape(element.type)
    typed = Typed(element.type, of.many or element.many, _step(of, element), shape)
    if typed.kind is None:
        return typed
    return replace(typed, beside=lambda: stepped(of, Element(f"_{element.name}", "Element", element.many)))


def _chosen(of: Typed, choice: Choice) -> Typed:
    options = {type_: partial(stepped, of, element) for type_, element in choice.options.items()}
    return Typed(CHOICE, of.many, _unsettled, choices=Choices(choice.name, options))


def _unsettled(_scope: Scope) -> Any:
    raise AssertionError("what may be of several types is settled before it is built")


def settled(typed: Typed, node: Node) -> Typed:
    if typed.choices:
        raise PathProblem(
            f"{typed.choices.name} may be of several types",
            at=node.at,
            do="say which one by ofType(), as in value.ofType(Quantity)",
        )
    return typed


def _step(of: Typed, element: Element) -> Build:
    may_have_holes = kind(element.type) is not None or element.name.startswith("_")

    def build(scope: Scope) -> Any:
        owner = of.build(scope)
        if not of.many:
            found, holes = owner[element.name], element.many and may_have_holes
        elif element.many:
            found, holes = owner.map(lambda one: one[element.name]).flatten(), may_have_holes
        else:
            found, holes = owner.map(lambda one: one[element.name]), True
        return _without_holes(found) if holes else found

    return build


def without_holes(typed: Typed) -> Typed:
    """What a value was made of may have given none."""
    if not typed.many:
        return typed
    return replace(typed, build=lambda scope: _without_holes(typed.build(scope)))


def _without_holes(values: ir.ArrayValue) -> ir.ArrayValue:
    """A list of primitives has null where only an extension stands; that is no value."""
    return values.filter(lambda one: one.notnull())


def indexed(of: Typed, at: Typed) -> Typed:
    def build(scope: Scope) -> Any:
        place = at.build(scope)
        value = of.build(scope)
        return ibis.cases((place >= 0, value[place])) if of.many else kept(value, place == 0)

    return replace(of, many=False, build=build)


def first(of: Typed) -> Typed:
    return replace(of, many=False, build=lambda scope: of.build(scope)[0]) if of.many else of


def where(of: Typed, criterion: Typed) -> Typed:
    def build(scope: Scope) -> Any:
        value = of.build(scope)
        if of.many:
            return value.filter(lambda one: criterion.build(scope.on(one)))
        return kept(value, criterion.build(scope.on(value)))

    return replace(of, build=build, beside=None)


def kept(value: Any, criterion: ir.BooleanValue) -> Any:
    return ibis.cases((criterion, value)) if isinstance(value, ir.Value) else value.only(criterion)


def of_type(of: Typed, type_: str, node: Node) -> Typed:
    if of.type in (NOTHING, type_):
        return of
    if of.choices is None:
        raise PathProblem(f"this is always {named(of)}, never {a(type_)}", at=node.at, do="leave ofType() out")
    if type_ not in of.choices.options:
        allowed = f"name one of {', '.join(sorted(of.choices.options))}"
        raise PathProblem(
            f"{of.choices.name} is never {a(type_)}", at=node.at, do=closest(type_, of.choices.options, allowed)
        )
    return of.choices.options[type_]()


def _unknown(of: Typed, name: str, node: Node, model: FhirModel) -> UnknownElement:
    elements = model.elements(of.type)
    for each in elements.values():
        if isinstance(each, Choice) and name in {option.name for option in each.options.values()}:
            type_ = next(type_ for type_, option in each.options.items() if option.name == name)
            return UnknownElement(
                f"{of.type} has no element {name}", at=node.at, do=f"write {each.name}.ofType({type_})"
            )
    remedy = closest(name, elements, f"in FHIR {model.version} it has {', '.join(sorted(elements))}")
    return UnknownElement(f"{of.type} has no element {name}", at=node.at, do=remedy)
