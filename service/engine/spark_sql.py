"""Ibis expressions in, Spark's SQL out, where it means what the same expression means on DuckDB.

Ibis leaves to each engine what SQL leaves to it: what lies beyond a list's end, where a pattern's end is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.sql.compilers import PySparkCompiler
from ibis.backends.sql.compilers.base import NULL, SQLGlotCompiler
from ibis.backends.sql.datatypes import PySparkType

END = re.compile(r"(?<!\\)[$]")
DAY_OF_TIMES = "1970-01-01"
LEFT, RIGHT = sg.to_identifier("l"), sg.to_identifier("r")


def typed_sql(table: ir.Table) -> str:
    """The query with the types that Ibis promises."""
    columns = (f"CAST(`{name}` AS {spark_type(dtype)}) AS `{name}`" for name, dtype in table.schema().items())
    return f"SELECT {', '.join(columns)} FROM ({_sql(table.op())})"  # noqa: S608 - names are our own


def spark_type(dtype: dt.DataType) -> str:
    return str(Types.to_string(dtype))


@lru_cache(maxsize=4096)
def _sql(query: ops.Relation) -> str:
    return str(Compiler().to_sqlglot(query.to_expr()).sql("spark"))


class Types(PySparkType):  # type: ignore[misc]
    """Ibis calls both of Spark's timestamps TIMESTAMP; which that is, is the session's to say."""

    @classmethod
    def _from_ibis_Timestamp(cls, dtype: dt.Timestamp) -> sge.DataType:
        kind = sge.DataType.Type
        return sge.DataType(this=kind.TIMESTAMPNTZ if dtype.timezone is None else kind.TIMESTAMPLTZ)

    @classmethod
    def _from_ibis_Time(cls, _: dt.Time) -> sge.DataType:
        """Spark 4.0 knows no times: they are those of one day."""
        return sge.DataType(this=sge.DataType.Type.TIMESTAMPNTZ)


class Compiler(PySparkCompiler):  # type: ignore[misc]
    type_mapper = Types
    UNSUPPORTED_OPS: ClassVar[tuple[type, ...]] = ()
    SIMPLE_OPS: ClassVar[dict[type, str]] = {}  # what Ibis's own says would else take the place of what stands below

    # A column of that name stands in what `read_ndjson` gives.
    visit_RowID = SQLGlotCompiler.visit_RowID

    def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: ARG002
        """Beyond the end there is nothing, where Spark's own index fails."""
        return self.f.anon.get(arg, index)

    def visit_RegexSearch(self, op: Any, *, arg: Any, pattern: Any) -> Any:
        return super().visit_RegexSearch(op, arg=arg, pattern=_as_java(pattern))

    def visit_RegexReplace(self, op: Any, *, arg: Any, pattern: Any, replacement: Any) -> Any:
        return super().visit_RegexReplace(op, arg=arg, pattern=_as_java(pattern), replacement=replacement)

    def visit_RegexExtract(self, op: Any, *, arg: Any, pattern: Any, index: Any) -> Any:
        return super().visit_RegexExtract(op, arg=arg, pattern=_as_java(pattern), index=index)

    def visit_Hash(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """Of 64 bits, for Spark's usual 32 are soon the same of two."""
        return self.f.anon.xxhash64(arg)

    def visit_ArrayFlatten(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002
        """A list that is missing adds nothing, where Spark's own flatten would make nothing of all the others."""
        there = sge.Lambda(this=sg.column("l").is_(sg.not_(NULL)), expressions=[LEFT])
        return self.f.flatten(self.f.anon.filter(arg, there))

    def visit_ArrayStringJoin(self, op: Any, *, arg: Any, sep: Any) -> Any:  # noqa: ARG002
        """Of nothing it is the empty text."""
        return self.f.anon.array_join(arg, sep)

    def visit_TryCast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        if to.is_time():
            arg = self.f.concat(sge.convert(f"{DAY_OF_TIMES}T"), arg)
        return super().visit_TryCast(op, arg=arg, to=to)

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Of no rows it is 0, where the sum that Ibis makes of it is null."""
        return super().visit_CountStar(op, arg=arg, where=None) if where is None else self.f.count_if(where)

    def visit_First(self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool) -> Any:
        if not order_by:
            return super().visit_First(op, arg=arg, where=where, order_by=order_by, include_null=include_null)
        return self.f.anon.get(self._in_order(arg, where, order_by, include_null), 0)

    def visit_ArrayCollect(
        self, op: Any, *, arg: Any, where: Any, order_by: Any, include_null: bool, distinct: bool
    ) -> Any:
        if not order_by:
            return super().visit_ArrayCollect(
                op, arg=arg, where=where, order_by=order_by, include_null=include_null, distinct=distinct
            )
        return self._in_order(arg, where, order_by, include_null)

    def _in_order(self, arg: Any, where: Any, order_by: Any, include_null: bool) -> Any:
        """The values of a group, sorted; null where there are none. Spark's aggregates know no order of their own."""
        keys = [sge.alias_(key.this, f"k{n}") for n, key in enumerate(order_by)]
        each = self.f.struct(*keys, sge.alias_(arg, "v"))
        if not include_null:
            where = sg.and_(where, arg.is_(sg.not_(NULL)))
        listed = self.f.collect_list(each if where is None else self.if_(where, each, NULL))
        in_order = self.f.anon.array_sort(listed, _comparison(order_by))
        values = self.f.anon.transform(in_order, sge.Lambda(this=sg.column("v", "l"), expressions=[LEFT]))
        return self.if_(self.f.anon.size(listed).eq(0), NULL, values)


def _as_java(pattern: Any) -> Any:
    """RE2's $ is the end of the text, Java's stands before a last line break as well; and lines end in \\n alone."""
    if not isinstance(pattern, sge.Literal):
        return pattern
    return sge.convert("(?d)" + END.sub(r"\\z", pattern.this))


def _comparison(order_by: Sequence[sge.Ordered]) -> sge.Lambda:
    """-1, 0 or 1 of two structs by their fields k0, k1, ...: the first in which they differ decides."""
    told: Any = sge.convert(0)
    for n, key in reversed(list(enumerate(order_by))):
        left, right = sg.column(f"k{n}", "l"), sg.column(f"k{n}", "r")
        less, null = (1 if key.args.get("desc") else -1), (-1 if key.args.get("nulls_first") else 1)
        told = (
            sge.Case()
            .when(sge.NullSafeEQ(this=left, expression=right), told)
            .when(left.is_(NULL), null)
            .when(right.is_(NULL), -null)
            .when(left < right, less)
            .else_(-less)
        )
    return sge.Lambda(this=told, expressions=[LEFT, RIGHT])
