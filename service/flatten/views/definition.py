"""A ViewDefinition's JSON in, a checked Definition out. https://sql-on-fhir.org/ig/2.0.0/StructureDefinition-ViewDefinition.html

What describes the view (title, publisher and so on) is read over; inside `select`, where a word mistyped would change
the rows, only what the standard names is taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError, model_validator

from service.errors import WrongUsage
from service.flatten.views.problems import PathProblem

NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
VALUE = "value"
GUIDE = "see the ViewDefinition at https://sql-on-fhir.org/ig/2.0.0/StructureDefinition-ViewDefinition.html"

WORDS = {
    "missing": "is missing",
    "too_short": "is empty",
    "extra_forbidden": "there is no such element here",
    "string_pattern_mismatch": "a name starts with a letter and goes on with letters, digits and _",
}

Name = Annotated[StrictStr, Field(pattern=NAME, description="what every database takes as a column's name")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = None
    extension: tuple[Any, ...] = ()


class Column(_Part):
    name: Name
    path: StrictStr
    type: StrictStr | None = None
    collection: StrictBool = False
    description: str = ""
    tag: tuple[Any, ...] = ()


class Select(_Part):
    """At most one of `each`, `each_or_null` and `repeat` says what a row is made of."""

    column: tuple[Column, ...] = ()
    select: tuple[Select, ...] = ()
    union_all: tuple[Select, ...] = Field(default=(), alias="unionAll")
    each: StrictStr | None = Field(default=None, alias="forEach")
    each_or_null: StrictStr | None = Field(default=None, alias="forEachOrNull")
    repeat: tuple[StrictStr, ...] = ()

    @model_validator(mode="after")
    def says_what_it_selects(self) -> Self:
        if not (self.column or self.select or self.union_all):
            raise ValueError("selects nothing: it has neither column, select nor unionAll")
        if sum(map(bool, (self.each is not None, self.each_or_null is not None, self.repeat))) > 1:
            raise ValueError("only one of forEach, forEachOrNull and repeat can say what a row is made of")
        return self


class Where(_Part):
    path: StrictStr
    description: str = ""


class Constant(_Part):
    model_config = ConfigDict(extra="allow", frozen=True)

    name: Name

    @model_validator(mode="after")
    def has_one_value(self) -> Self:
        if len(self.model_extra or {}) != 1 or not self._element.startswith(VALUE):
            raise ValueError("a constant has one value, such as valueString")
        return self

    @property
    def type(self) -> str:
        suffix = self._element.removeprefix(VALUE)
        return suffix[:1].lower() + suffix[1:]

    @property
    def value(self) -> Any:
        return (self.model_extra or {})[self._element]

    @property
    def _element(self) -> str:
        return next(iter(self.model_extra or {}), "")


class Definition(BaseModel):
    """`place` says where it was read, for what is said of it later."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    resource: StrictStr
    select: tuple[Select, ...] = Field(min_length=1)
    where: tuple[Where, ...] = ()
    constant: tuple[Constant, ...] = ()
    name: Name | None = None
    versions: tuple[str, ...] = Field(default=(), alias="fhirVersion")
    place: str = "the view"

    def wrong(self, problem: PathProblem, part: str, path: str) -> WrongUsage:
        """What is wrong with a path of the view, as something to tell a person."""
        return WrongUsage(problem.what, where=f"{self.place}: {part}: {problem.marked(path)}", do=problem.do)


def read_definition(path: Path) -> Definition:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongUsage(
            f"the view cannot be read: {error.strerror}", where=str(path), do="name a ViewDefinition as JSON"
        ) from error
    try:
        view = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise WrongUsage(f"the view is no JSON: {error}", where=str(path), do=GUIDE) from error
    return definition(view, str(path))


def definition(view: Any, place: str = "the view") -> Definition:
    """`view` as decoded JSON; raises WrongUsage with the path of each element that does not fit."""
    if not isinstance(view, dict):
        raise WrongUsage("a view is one JSON object", where=place, do=GUIDE)
    try:
        return Definition.model_validate({**view, "place": place})
    except ValidationError as error:
        raise WrongUsage(f"the view is not valid: {'; '.join(_faults(error))}", where=place, do=GUIDE) from error


def _faults(error: ValidationError) -> list[str]:
    """Each with its path. A list of which no part is valid counts as empty too: that is said only where it is so."""
    faults = error.errors(include_url=False, include_input=False)
    broken = {fault["loc"][:n] for fault in faults for n in range(1, len(fault["loc"]))}
    return [_said(fault) for fault in faults if not (fault["type"] == "too_short" and fault["loc"] in broken)]


def _said(fault: Any) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault["loc"])
    return f"{''.join(steps).lstrip('.')}: {WORDS.get(fault['type'], fault['msg'].removeprefix('Value error, '))}"
