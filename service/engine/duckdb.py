"""Ibis over an embedded DuckDB: the engine of one machine, and the default."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import msgspec
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from service.engine.again import Again, Journal, Other, Step
from service.engine.duckdb_connections import connected
from service.engine.duckdb_steps import (
    LARGEST_LINE,
    Ask,
    Columns,
    Load,
    Repeat,
    Tell,
    Through,
    View,
    lines,
    ndjson,
    text,
)
from service.engine.engine import REFUSED, Engine, P, RowRefused, ShapeMismatch, T
from service.engine.parsed import Parsed

BATCH = 10_000
GATHERED = 8  # tables by one statement: one a table takes twice the time where each has a few rows
QUERIES = 1_024  # remembered; a derivation asks some 300

_again: Again[DuckDB] = Again()
_parsed = Parsed(QUERIES)
_empty: dict[ibis.Schema, bytes] = {}  # files without rows: there are some thirty tables


@contextmanager
def opened(scratch: Path, memory: str, threads: int, about: int | None) -> Iterator[DuckDB]:
    with connected(scratch, memory, threads, about) as connection:
        yield DuckDB(connection, scratch)


class DuckDB(Engine):
    def __init__(self, connection: Any, scratch: Path) -> None:
        super().__init__(scratch)
        self._connection = connection
        self._journal: Journal[DuckDB] | None = None
        self.root = Path()

    def scan_ndjson(self, paths: Sequence[Path], columns: Mapping[str, str | dt.DataType]) -> ir.Table:
        # Ibis's own read_json asks DuckDB afterwards for the types that we have just told it.
        self._only_once()
        types, name = {column: ibis.dtype(dtype) for column, dtype in columns.items()}, self._name()
        told = f'CREATE TEMP VIEW "{name}" AS SELECT * FROM {lines([*paths], _in_duckdb(types))}'  # noqa: S608
        self.run(told, anew=True)
        return self._named(name, types)

    def load(self, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> ir.Table:
        types, name = {column: ibis.dtype(dtype) for column, dtype in columns.items()}, self._name()
        self._tell(Load(name, ndjson(rows), _in_duckdb(types)))
        return self._named(name, types)

    def through(
        self, work: Callable[..., Iterable[dict[str, Any]]], tables: Sequence[ir.Table], columns: Mapping[str, str]
    ) -> ir.Table:
        types, name = {column: ibis.dtype(dtype) for column, dtype in columns.items()}, self._name()
        queries = tuple(_typed(table.op()) for table in tables)
        self._tell(Through(name, queries, _in_duckdb(types), work))
        return self._named(name, types)

    def structure(self, paths: Sequence[Path], resource: str) -> Any:
        self._only_once()
        objects, of_type = "read_ndjson_objects(?, maximum_object_size=?)", "json->>'resourceType' = ?"
        asked = f"SELECT json_group_structure(json) FROM {objects} WHERE {of_type}"  # noqa: S608 - our own words
        with _told():
            row = self._connection.con.execute(asked, [[*map(str, paths)], LARGEST_LINE, resource]).fetchone()
        return msgspec.json.decode(row[0]) if row[0] else None

    def line(self, table: ir.Table) -> ir.IntegerColumn:
        return table.rowid()

    def read_back(self, path: Path, written: ir.Table) -> ir.Table:
        return self._parquet(path, columns=_in_duckdb(written.schema()))

    def _parquet(self, *paths: Path, columns: Columns = ()) -> ir.Table:
        name = self._name()
        files = tuple(path.relative_to(self.root) if path.is_relative_to(self.root) else path for path in paths)
        if self._journal and any(file.is_absolute() for file in files):
            self._only_once()
        found = self._tell(View(name, files, columns))
        return self._named(name, {column: _from_duckdb(dtype) for column, dtype in found})

    def write_parquet(self, table: ir.Table, path: Path) -> int:
        return self._copy(table, path, "FORMAT parquet")

    def write_empty(self, table: ir.Table, path: Path) -> None:
        schema = table.schema()
        if schema in _empty:
            path.touch(0o600)
            path.write_bytes(_empty[schema])
        else:
            self.write_parquet(table.limit(0), path)
            _empty[schema] = path.read_bytes()

    def write_csv(self, table: ir.Table, path: Path) -> int:
        return self._copy(table, path, "FORMAT csv, HEADER")

    def _copy(self, table: ir.Table, path: Path, how: str) -> int:
        self._only_once()
        ((rows,),) = self.run(f"COPY ({_typed(table.op())}) TO {text(str(path))} ({how})", anew=True)
        path.chmod(0o600)
        return int(rows)

    def materialise(self, table: ir.Table) -> ir.Table:
        # Ibis's own create_table asks for the catalog, creates, inserts and describes: four questions more.
        name = self._name()
        self._tell(Tell(f'CREATE TEMP TABLE "{name}" AS ', _typed(table.op())))
        return self._named(name, table.schema())

    def repeated(self, table: ir.Table, step: Callable[[ir.Table], ir.Table], times: int) -> ir.Table:
        name = self._name()
        reached = self._named(name, table.schema())
        self._tell(Repeat(name, _typed(table.op()), _typed(step(reached).op()), times))
        return reached

    def _named(self, name: str, types: Mapping[str, dt.DataType]) -> ir.Table:
        """A table or view of this connection, which is not asked what it holds."""
        schema = ibis.schema({column: _stored(dtype) for column, dtype in types.items()})
        place = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(name, schema=schema, source=self._connection, namespace=place).to_expr()

    def gather(self, tables: Iterable[ir.Table], columns: Mapping[str, str]) -> ir.Table:
        gathered, rest = self.load([], columns), iter(tables)
        types = gathered.schema()
        while some := list(islice(rest, GATHERED)):
            told = (_cast(each.op(), {name: types[name] for name in each.columns}) for each in some)
            self._tell(Tell(f'INSERT INTO "{gathered.op().name}" BY NAME ', " UNION ALL BY NAME ".join(told)))
        return gathered

    def release(self, table: ir.Table) -> None:
        # Not through Ibis 12, whose DROP loses the table's name under sqlglot 30.
        self._tell(Tell(f'DROP TABLE "{table.op().name}"'))

    @contextmanager
    def passing(self) -> Iterator[None]:
        before = self._tables()
        yield
        for name in self._tables() - before:
            self.run(f'DROP TABLE "{name}"')

    def _tables(self) -> set[str]:
        return {name for (name,) in self.run("SELECT table_name FROM duckdb_tables() WHERE temporary")}

    def rows(self, table: ir.Table) -> Iterator[dict[str, Any]]:
        query = _typed(table.op())
        yield from map(dict, self._tell(Ask(query))) if self._journal else self._streamed(query)

    def row(self, table: ir.Table) -> dict[str, Any]:
        (only,) = self._tell(Ask(_typed(table.op())))
        return dict(only)

    def _streamed(self, query: str) -> Iterator[dict[str, Any]]:
        with self._connection.con.sql(self._parsed(query)).to_arrow_reader(BATCH) as batches:
            for batch in batches:
                yield from batch.to_pylist()

    def run(self, statement: str, *, anew: bool = False) -> list[Any]:
        with _told():
            rows: list[Any] = self._connection.con.execute(statement if anew else self._parsed(statement)).fetchall()
        return rows

    def _parsed(self, statement: str) -> duckdb.Statement:
        return _parsed.of(statement, self._connection.con)

    def asked(self, query: str) -> list[dict[str, Any]]:
        answer = self._connection.con.execute(self._parsed(query))
        names = [name for name, *_ in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def again(self, key: Hashable, root: Path, build: Callable[[], T]) -> T:
        """To write what is asked takes three times as long as to answer it for a few patients."""
        key, self.root = (key, self._names), root
        try:
            way, journal = _again.follow(key, self)
            if way:
                self._names = way.names
                return cast(T, way.result)
            self._journal = journal.from_the_start()
            result = build()
        except Other:
            self._journal, self._names = None, self._names + len(journal.done)  # past all that was named
            return build()
        finally:
            self._journal, self.root = None, Path()
        if journal.repeatable:
            _again.keep(key, journal, result, self._names)
        return result

    def _tell(self, step: Step[DuckDB]) -> Any:
        return self._journal.tell(step, self) if self._journal else step.on(self)

    def _only_once(self) -> None:
        """What the next engine cannot be told in the same words."""
        if self._journal:
            self._journal.repeatable = False

    def each(
        self, table: ir.Table, items: ir.ArrayValue, name: str, index: str = "", *, or_null: bool = False
    ) -> ir.Table:
        # Ibis's own Table.unnest numbers the items twenty times as slowly.
        if or_null:
            items = ibis.cases((items.length() > 0, items), else_=ibis.literal([None], items.type()))
        places = {index: ibis.range(items.length()).unnest()} if index else {}
        return table.mutate(**{name: items.unnest()}, **places)

    def refuse(self, number: int, dtype: str | dt.DataType) -> ir.Value:
        return _refusal(ibis.dtype(dtype))(f"{REFUSED}{number}")

    def spread(self, work: Callable[[P], None], parts: Sequence[P]) -> None:
        for part in parts:
            work(part)

    def local(self, moment: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        return _timezone_of_instant(zone.key, moment.cast("timestamp('UTC')"))

    def instant(self, clock: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        return _timezone_of_clock(zone.key, clock).cast("timestamp")


@lru_cache(maxsize=QUERIES)
def _typed(query: ops.Relation) -> str:
    """The query with the types that Ibis promises: DuckDB sums integers into wider ones, which Parquet lacks."""
    return _cast(query, query.schema)


def _cast(query: ops.Relation, types: Mapping[str, dt.DataType]) -> str:
    columns = (f'CAST("{name}" AS {dtype}) AS "{name}"' for name, dtype in _in_duckdb(types))
    return f"SELECT {', '.join(columns)} FROM ({_sql(query)})"  # noqa: S608 - names are our own


@lru_cache(maxsize=QUERIES)
def _sql(query: ops.Relation) -> str:
    """Writing a query takes longer than running it over a few thousand patients."""
    return str(DuckDBCompiler().to_sqlglot(query.to_expr()).sql("duckdb"))


def _in_duckdb(types: Mapping[str, dt.DataType]) -> tuple[tuple[str, str], ...]:
    return tuple((column, _type(dtype)) for column, dtype in types.items())


@cache
def _type(dtype: dt.DataType) -> str:
    return str(DuckDBType.to_string(dtype))


@cache
def _from_duckdb(dtype: str) -> dt.DataType:
    return DuckDBType.from_string(dtype)


@contextmanager
def _told() -> Iterator[None]:
    """What DuckDB found wrong with a line, as ours."""
    try:
        yield
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        refused = re.search(rf"{REFUSED}(-?\d+)", str(error))
        if refused:
            raise RowRefused(int(refused[1])) from error
        raise ShapeMismatch(str(error)) from error


@cache
def _refusal(dtype: dt.DataType) -> Any:
    def error(message): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202

    return ibis.udf.scalar.builtin(error, name="error", signature=(("string",), dtype))


@cache
def _stored(dtype: dt.DataType) -> dt.DataType:
    """What a column of this type is in DuckDB: a timestamp, for one, has six digits."""
    return _from_duckdb(_type(dtype))


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _timezone_of_instant(zone, moment): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp('UTC')"))
def _timezone_of_clock(zone, clock): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
