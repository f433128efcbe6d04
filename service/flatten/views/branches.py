"""The `select` of a ViewDefinition in; out come its branches, whose rows together are the view's.

A branch is a chain: from the resource through what forEach, forEachOrNull and repeat name, to the columns. Siblings
multiply, unionAll adds: (a | b) x c is a x c | b x c, so that each branch is one scan with plain unnests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from service.errors import WrongUsage
from service.flatten.views.columns import ViewColumn, view_column
from service.flatten.views.definition import Select
from service.flatten.views.paths import Paths
from service.flatten.views.repeats import repeated
from service.flatten.views.typed import Typed


@dataclass(frozen=True, eq=False)
class Focus:
    """What paths start from: the resource, or, `within` another focus, each of what was `found` from there.

    `or_null`: where there is none, one row stands for them, with null in its columns.
    """

    item: Typed
    found: Typed
    within: Focus | None = None
    or_null: bool = False


@dataclass(frozen=True)
class Place:
    """A column and the focus of its path."""

    column: ViewColumn
    focus: Focus


@dataclass(frozen=True)
class Branch:
    """`absent` are foci of which there must be none, for the row that stands for them."""

    foci: tuple[Focus, ...] = ()
    columns: tuple[Place, ...] = ()
    absent: tuple[Focus, ...] = ()

    def __add__(self, other: Branch) -> Branch:
        return Branch(self.foci + other.foci, self.columns + other.columns, self.absent + other.absent)

    @property
    def names(self) -> list[str]:
        return [place.column.name for place in self.columns]


@dataclass(frozen=True)
class Branches:
    """Compiles every path that it meets."""

    paths: Paths

    def of_view(self, resource: Typed) -> list[Branch]:
        found = self._together(self.paths.definition.select, "select", Focus(resource, resource))
        names = found[0].names
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise self._wrong(f"two columns are named {twice}", "select", "give each column a name of its own")
        return found

    def _together(self, selects: tuple[Select, ...], part: str, focus: Focus) -> list[Branch]:
        """Siblings: every row of one beside every row of the next."""
        each = [self._of(select, f"{part}[{n}]", focus) for n, select in enumerate(selects)]
        return [sum(chosen, Branch()) for chosen in product(*each)]

    def _of(self, select: Select, part: str, focus: Focus) -> list[Branch]:
        inner = self._focus(select, part, focus)
        if inner is None:
            return self._body(select, part, focus)
        found = self._body(select, part, inner)
        if select.each_or_null is None:
            return [Branch((inner,)) + branch for branch in found]
        return self._or_null(inner, found)

    def _or_null(self, inner: Focus, found: list[Branch]) -> list[Branch]:
        """One null row whatever is within: only where nothing within makes rows can one unnest bring it along."""
        if len(found) == 1 and not (found[0].foci or found[0].absent):
            kept = replace(inner, or_null=True)
            return [Branch((kept,), tuple(Place(p.column, kept) for p in found[0].columns))]
        nulls = tuple(Place(place.column.absent(), inner) for place in found[0].columns)
        return [Branch((inner,)) + branch for branch in found] + [Branch((), nulls, (inner,))]

    def _focus(self, select: Select, part: str, focus: Focus) -> Focus | None:
        if select.repeat:
            foci = repeated(self.paths, select.repeat, f"{part}.repeat", focus.item)
        elif select.each is not None:
            foci = self.paths.typed(select.each, f"{part}.forEach", focus.item)
        elif select.each_or_null is not None:
            foci = self.paths.typed(select.each_or_null, f"{part}.forEachOrNull", focus.item)
        else:
            return None
        return Focus(foci.item, foci, focus)

    def _body(self, select: Select, part: str, focus: Focus) -> list[Branch]:
        columns = tuple(
            Place(view_column(self.paths, column, f"{part}.column[{n}].path", focus.item), focus)
            for n, column in enumerate(select.column)
        )
        nested = self._together(select.select, f"{part}.select", focus)
        united = list(self._united(select.union_all, f"{part}.unionAll", focus)) or [Branch()]
        return [Branch((), columns) + one + other for one, other in product(nested, united)]

    def _united(self, selects: tuple[Select, ...], part: str, focus: Focus) -> Iterator[Branch]:
        first: Branch | None = None
        for n, select in enumerate(selects):
            for branch in self._of(select, f"{part}[{n}]", focus):
                first = first or branch
                self._alike(first, branch, f"{part}[{n}]")
                yield branch

    def _alike(self, first: Branch, branch: Branch, part: str) -> None:
        if first.names != branch.names:
            raise self._wrong(
                f"the columns are {', '.join(branch.names)}, and those of the first are {', '.join(first.names)}",
                part,
                "give all parts of a unionAll the same columns in the same order",
            )
        for one, other in zip(first.columns, branch.columns, strict=True):
            if one.column.dtype != other.column.dtype:
                raise self._wrong(
                    f"the column {one.column.name} has another type than in the first",
                    part,
                    "give all parts of a unionAll columns of the same types",
                )

    def _wrong(self, what: str, part: str, do: str) -> WrongUsage:
        return WrongUsage(what, where=f"{self.paths.definition.place}: {part}", do=do)
