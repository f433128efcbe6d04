"""A FHIR version in; out comes what it says of elements: their types, and whether they repeat.

Taken from the models of fhir.resources, at compile time only: no resource ever passes through them.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from service.errors import WrongUsage

# R4 by R4B's models: what R4B changed is not what anybody reads in a view of patients' records.
MODELS = {"R4": "fhir.resources.R4B", "STU3": "fhir.resources.STU3", "R5": "fhir.resources"}
NUMBERS = {"3.0": "STU3", "4.0": "R4", "4.1": "R4", "4.3": "R4", "R4B": "R4", "5.0": "R5"}
PRIMITIVE = {bool: "boolean", str: "string", UUID: "uuid"}  # those that the models give a Python type and nothing else


@dataclass(frozen=True)
class Element:
    """`name` as JSON has it."""

    name: str
    type: str
    many: bool


@dataclass(frozen=True)
class Choice:
    """value[x]: one element a type."""

    name: str
    options: Mapping[str, Element]


class FhirModel:
    def __init__(self, version: str) -> None:
        self.version = version
        self._types = import_module(MODELS[version] + ".fhirtypes")
        self._known: dict[str, Mapping[str, Element | Choice]] = {}

    @classmethod
    def of(cls, version: str) -> FhirModel:
        """`version` as a name (R4) or a number (4.0.1)."""
        name = next((name for number, name in NUMBERS.items() if version.upper().startswith(number)), version.upper())
        if name not in MODELS:
            raise WrongUsage(f"FHIR {version} is not known", do=f"name one of {', '.join(MODELS)}")
        return _model(name)

    def is_resource(self, type_: str) -> bool:
        model = self._model_class(type_)
        return model is not None and any(base.__name__ == "Resource" for base in model.__mro__)

    def types(self) -> list[str]:
        return [name.removesuffix("Type") for name in vars(self._types) if name.endswith("Type")]

    def elements(self, type_: str) -> Mapping[str, Element | Choice]:
        """By their names in FHIRPath: `value`, never `valueQuantity`. A primitive type has none."""
        if type_ not in self._known:
            model = self._model_class(type_)
            self._known[type_] = dict(_elements(model)) if model else {}
        return self._known[type_]

    def _model_class(self, type_: str) -> Any:
        named: Any = getattr(self._types, f"{type_}Type", None)
        return named.get_model_klass() if hasattr(named, "get_model_klass") else None


@cache
def _model(name: str) -> FhirModel:
    return FhirModel(name)


def _elements(model: Any) -> Iterator[tuple[str, Element | Choice]]:
    choices: dict[str, dict[str, Element]] = {}
    for name, field in model.model_fields.items():
        about = field.json_schema_extra or {}
        if not about.get("element_property"):
            continue
        element = _element(field.alias or name, field)
        if stem := about.get("one_of_many"):
            choices.setdefault(stem, {})[_option(element, stem)] = element
        else:
            yield element.name, element
    for stem, options in choices.items():
        yield stem, Choice(stem, options)


def _option(element: Element, stem: str) -> str:
    """The type by its name in ofType(): valueDateTime is a dateTime, valueQuantity a Quantity."""
    suffix = element.name.removeprefix(stem)
    return element.type if element.type.lower() == suffix.lower() else suffix


def _element(name: str, field: Any) -> Element:
    annotation, many = field.annotation, False
    metadata = list(field.metadata)
    while (origin := typing.get_origin(annotation)) is not None:
        arguments = [each for each in typing.get_args(annotation) if each is not type(None)]
        many |= origin is list
        if origin is typing.Annotated:
            metadata = list(annotation.__metadata__)
        annotation = arguments[0]
    return Element(name, _type_name(annotation, metadata), many)


def _type_name(annotation: Any, metadata: list[Any]) -> str:
    if hasattr(annotation, "get_model_klass"):
        return str(annotation.get_model_klass().__name__)
    primitives = [type(each).__name__ for each in metadata if type(each).__module__.startswith("fhir")]
    if primitives:
        return primitives[-1][:1].lower() + primitives[-1][1:]
    return PRIMITIVE[annotation]
