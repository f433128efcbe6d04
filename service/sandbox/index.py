"""Current resources in, the rows that have a token, a reference or a date out; kept up with every change.

An index is built when the first search asks for it, so that starting with a million resources costs nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from service.sandbox.dates import UNDATED, covered
from service.sandbox.parameters import Parameter, Reader


class Index(Protocol):
    def change(self, row: int, before: bytes, after: bytes, /) -> None:
        """The resource of this row changed; empty bytes stand for none."""


Built = TypeVar("Built", bound=Index)


class Postings:
    """Key -> rows, for tokens ('system|code') and references ('Type/id')."""

    def __init__(self, parameter: Parameter) -> None:
        self._elements = Reader(parameter)
        self._keys = tokens if parameter.kind == "token" else references
        self._rows: dict[str, array[int]] = {}

    def change(self, row: int, before: bytes, after: bytes) -> None:
        old, new = self._of(before), self._of(after)
        for key in old - new:
            self._rows[key].remove(row)
        for key in new - old:
            self._rows.setdefault(key, array("I")).append(row)

    def _of(self, body: bytes) -> set[str]:
        return {key for element in self._elements(body) for key in self._keys(element)} if body else set()

    def having(self, key: str) -> Iterable[int]:
        return self._rows.get(key, ())

    def having_any(self, matches: Callable[[str], bool]) -> Iterator[int]:
        """The rows of every key that matches: for `code` of any system, or `system|` with any code."""
        return (row for key, rows in self._rows.items() if matches(key) for row in rows)


class Dates:
    """Row -> the interval that its date covers."""

    def __init__(self, parameter: Parameter) -> None:
        self._elements = Reader(parameter)
        self._starts, self._ends = array("q"), array("q")

    def change(self, row: int, _before: bytes, after: bytes) -> None:
        while row >= len(self._starts):
            self._starts.append(UNDATED[0])
            self._ends.append(UNDATED[1])
        element = next(self._elements(after), None) if after else None
        self._starts[row], self._ends[row] = covered(element)

    @property
    def columns(self) -> tuple[array[int], array[int]]:
        """Row -> where it begins, row -> where it ends."""
        return self._starts, self._ends


class Indexes:
    """The indexes of one resource type that some search has asked for."""

    def __init__(self, current: Callable[[], Iterable[tuple[int, bytes]]]) -> None:
        self._current = current
        self._postings: dict[Parameter, Postings] = {}
        self._dates: dict[Parameter, Dates] = {}

    @property
    def built(self) -> list[Index]:
        return [*self._postings.values(), *self._dates.values()]

    def change(self, row: int, before: bytes, after: bytes) -> None:
        for index in self.built:
            index.change(row, before, after)

    def postings(self, parameter: Parameter) -> Postings:
        if parameter not in self._postings:
            self._postings[parameter] = self._filled(Postings(parameter))
        return self._postings[parameter]

    def dates(self, parameter: Parameter) -> Dates:
        if parameter not in self._dates:
            self._dates[parameter] = self._filled(Dates(parameter))
        return self._dates[parameter]

    def _filled(self, index: Built) -> Built:
        for row, body in self._current():
            index.change(row, b"", body)
        return index


def tokens(element: Any) -> Iterator[str]:
    """A code, Coding, CodeableConcept or Identifier, or a list of them -> 'system|code'."""
    if isinstance(element, list):
        for one in element:
            yield from tokens(one)
    elif isinstance(element, str):
        yield f"|{element}"
    elif isinstance(element, dict) and "coding" in element:
        yield from tokens(element["coding"])
    elif isinstance(element, dict):
        code = element.get("code", element.get("value"))
        yield f"{element.get('system', '')}|{'' if code is None else code}"


def references(element: Any) -> Iterator[str]:
    """A Reference, or a list of them -> 'Type/id', whatever base or version it bears."""
    for one in element if isinstance(element, list) else [element]:
        reference = one.get("reference") if isinstance(one, dict) else None
        if isinstance(reference, str):
            yield "/".join(reference.split("/_history/")[0].split("/")[-2:])
