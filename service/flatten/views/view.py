"""A Definition and a FHIR version in; the smallest nested schema to read, and one Ibis expression over it, out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from service.engine import Engine
from service.errors import WrongUsage
from service.flatten.views.branches import Branch, Branches, Focus, Place
from service.flatten.views.definition import Definition, Select
from service.flatten.views.elements import FhirModel
from service.flatten.views.paths import Paths
from service.flatten.views.problems import closest
from service.flatten.views.shape import Seen, Shape
from service.flatten.views.typed import Row, Scope, Typed

TYPE = "resourceType"


@dataclass(frozen=True)
class View:
    """`by_the_digit`: it needs decimals as they were written, to the last zero."""

    definition: Definition
    columns: Mapping[str, dt.DataType]
    by_the_digit: bool
    _indexed: bool
    _branches: list[Branch] = field(repr=False)
    _where: list[Typed] = field(repr=False)
    _refusals: list[WrongUsage] = field(repr=False)

    @property
    def resource(self) -> str:
        return self.definition.resource

    @property
    def names(self) -> list[str]:
        return self._branches[0].names

    @property
    def types(self) -> dict[str, dt.DataType]:
        """Of its rows, by name."""
        return {place.column.name: place.column.dtype for place in self._branches[0].columns}

    @property
    def scans(self) -> int:
        """How often the lines are gone through."""
        return len(self._branches)

    def refusal(self, number: int) -> WrongUsage:
        return self._refusals[number]

    def of_type(self, lines: ir.Table) -> ir.Table:
        """A file may hold other types as well."""
        return lines.filter(lines[TYPE] == self.resource)

    def rows(self, lines: ir.Table, engine: Engine, *, by_the_digit: bool = False) -> ir.Table:
        """`lines` hold `columns`. Of what no view can be made raises RowRefused as soon as rows are asked for."""
        resources = self.of_type(lines)
        root = Scope(Row(resources), ibis.literal(0, "int64"), engine, by_the_digit)
        # Filters are tried in any order, and a criterion may refuse what is no resource of the type.
        criteria = [ibis.cases((resources[TYPE] == self.resource, each.build(root))) for each in self._where]
        wanted = resources.filter(*criteria) if criteria else resources
        chains = (_Chain(root.on(Row(wanted)), self._indexed) for _ in self._branches)
        return reduce(
            ir.Table.union, (chain.rows(branch) for chain, branch in zip(chains, self._branches, strict=True))
        )


def compile_view(definition: Definition, version: str, seen: Seen = None) -> View:
    """Raises WrongUsage, naming the place in the view and a remedy. `seen` is what the lines hold, for `repeat`."""
    model = FhirModel.of(version)
    _check_resource(definition, model)
    paths = Paths(definition, model)
    shape = Shape(definition.resource, seen)
    resource = Typed(definition.resource, False, lambda scope: scope.this, shape)
    where = [paths.truth(each.path, f"where[{n}].path", resource) for n, each in enumerate(definition.where)]
    branches = Branches(paths).of_view(resource)
    columns = {TYPE: dt.string, **shape.columns()}
    return View(definition, columns, paths.by_the_digit, paths.indexed, branches, where, paths.refusals)


def repeats(selects: tuple[Select, ...]) -> bool:
    return any(each.repeat or repeats(each.select) or repeats(each.union_all) for each in selects)


def _check_resource(definition: Definition, model: FhirModel) -> None:
    if not model.is_resource(definition.resource):
        raise WrongUsage(
            f"FHIR {model.version} has no resource {definition.resource}",
            where=f"{definition.place}: resource",
            do=closest(definition.resource, model.types(), "name a resource type such as Patient"),
        )


class _Chain:
    """One branch on its way from resources to rows: a table that grows a column a focus."""

    def __init__(self, resource: Scope, indexed: bool) -> None:
        self.resource, self.indexed = resource, indexed
        self.table: ir.Table = resource.this.table
        self.known: list[Focus] = []

    def rows(self, branch: Branch) -> ir.Table:
        for focus in branch.foci:
            self._unnest(focus)
        for focus in branch.absent:
            self.table = self.table.filter(~focus.found.present()(self._around(focus)))
        return self.table.select(**{place.column.name: self._value(place) for place in branch.columns})

    def _unnest(self, focus: Focus) -> None:
        nodes = focus.found.nodes()(self._around(focus))
        n = len(self.known)
        index = f"index {n}" if self.indexed else ""
        self.table = self.resource.engine.each(self.table, nodes, f"focus {n}", index, or_null=focus.or_null)
        self.known.append(focus)

    def _value(self, place: Place) -> ir.Value:
        scope = self._scope(place.focus)
        if not place.focus.or_null:
            return place.column.build(scope)
        return place.column.if_present(scope.this.notnull(), scope)

    def _around(self, focus: Focus) -> Scope:
        return self._scope(focus.within) if focus.within else self.resource.on(Row(self.table))

    def _scope(self, focus: Focus) -> Scope:
        if focus not in self.known:
            return self.resource.on(Row(self.table))
        n = self.known.index(focus)
        index = self.table[f"index {n}"] if self.indexed else self.resource.row_index
        return replace(self.resource, this=self.table[f"focus {n}"], row_index=index)
