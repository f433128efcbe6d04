"""Ibis over an embedded DuckDB: the engine of one machine, and the default."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import msgspec
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from service.engine.engine import REFUSED, Engine, P, RowRefused, ShapeMismatch

LARGEST_LINE = 64 << 20
MEMORY = "3GiB"  # with what lies outside the engine's count a process stays within 4 GiB
BATCH = 10_000

# Extensions that are not built in would be fetched from the network; json, parquet and icu are built in.
OFFLINE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@contextmanager
def opened(scratch: Path, memory: str, threads: int) -> Iterator[DuckDB]:
    limits = {"memory_limit": memory or MEMORY} | ({"threads": str(threads)} if threads else {})
    connection = ibis.duckdb.connect(**OFFLINE, **limits)
    connection.con.execute("SET temp_directory = ?", [str(scratch)])
    connection.con.execute("SET enable_progress_bar = false")  # Ibis switches it on, and it draws on stdout
    try:
        yield DuckDB(connection, scratch)
    finally:
        connection.disconnect()


class DuckDB(Engine):
    def __init__(self, connection: Any, scratch: Path) -> None:
        super().__init__(scratch)
        self._connection = connection

    def scan_ndjson(self, paths: Sequence[Path], columns: Mapping[str, str | dt.DataType]) -> ir.Table:
        # Ibis's own read_json asks DuckDB afterwards for the types that we have just told it.
        types = {name: ibis.dtype(dtype) for name, dtype in columns.items()}
        told = ", ".join(f"{_text(name)}: {_text(DuckDBType.to_string(dtype))}" for name, dtype in types.items())
        files = ", ".join(_text(str(path)) for path in paths)
        how = f"format = 'newline_delimited', columns = {{{told}}}, maximum_object_size = {LARGEST_LINE}"
        name = self._name()
        lines = f"read_json([{files}], {how})"
        self._connection.raw_sql(f'CREATE TEMP VIEW "{name}" AS SELECT * FROM {lines}').fetchall()  # noqa: S608
        return self._named(name, types)

    def structure(self, paths: Sequence[Path], resource: str) -> Any:
        lines, of_type = "read_ndjson_objects(?, maximum_object_size=?)", "json->>'resourceType' = ?"
        asked = f"SELECT json_group_structure(json) FROM {lines} WHERE {of_type}"  # noqa: S608 - our own words
        with _told():
            row = self._connection.con.execute(asked, [[*map(str, paths)], LARGEST_LINE, resource]).fetchone()
        return msgspec.json.decode(row[0]) if row[0] else None

    def line(self, table: ir.Table) -> ir.IntegerColumn:
        return table.rowid()

    def _parquet(self, path: Path) -> ir.Table:
        return self._connection.read_parquet(str(path), table_name=self._name())

    def write_parquet(self, table: ir.Table, path: Path) -> int:
        return self._copy(table, path, "FORMAT parquet")

    def write_csv(self, table: ir.Table, path: Path) -> int:
        return self._copy(table, path, "FORMAT csv, HEADER")

    def _copy(self, table: ir.Table, path: Path, how: str) -> int:
        with _told():
            ((rows,),) = self._connection.raw_sql(
                f"COPY ({self._typed(table)}) TO {_text(str(path))} ({how})"
            ).fetchall()
        path.chmod(0o600)
        return int(rows)

    def materialise(self, table: ir.Table) -> ir.Table:
        # Ibis's own create_table asks for the catalog, creates, inserts and describes: four questions more.
        name = self._name()
        with _told():
            self._connection.raw_sql(f'CREATE TEMP TABLE "{name}" AS {self._typed(table)}').fetchall()
        return self._named(name, table.schema())

    def _named(self, name: str, types: Mapping[str, dt.DataType]) -> ir.Table:
        """A table or view of this connection, which is not asked what it holds."""
        schema = ibis.schema({column: _stored(dtype) for column, dtype in types.items()})
        place = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(name, schema=schema, source=self._connection, namespace=place).to_expr()

    def gather(self, tables: Iterable[ir.Table], columns: Mapping[str, str]) -> ir.Table:
        gathered = self.load([], columns)
        for table in tables:
            self._connection.raw_sql(f'INSERT INTO "{gathered.op().name}" BY NAME {_sql(table.op())}').fetchall()
        return gathered

    def release(self, table: ir.Table) -> None:
        # Not through Ibis 12, whose DROP loses the table's name under sqlglot 30.
        self._connection.raw_sql(f'DROP TABLE "{table.op().name}"').fetchall()

    def rows(self, table: ir.Table) -> Iterator[dict[str, Any]]:
        with self._connection.con.sql(self._typed(table)).to_arrow_reader(BATCH) as batches:
            for batch in batches:
                yield from batch.to_pylist()

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

    def _typed(self, table: ir.Table) -> str:
        """The query with the types that Ibis promises: DuckDB sums integers into wider ones, which Parquet lacks."""
        columns = (
            f'CAST("{name}" AS {DuckDBType.to_string(dtype)}) AS "{name}"' for name, dtype in table.schema().items()
        )
        return f"SELECT {', '.join(columns)} FROM ({_sql(table.op())})"  # noqa: S608 - names are our own

    def local(self, moment: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        return _timezone_of_instant(zone.key, moment.cast("timestamp('UTC')"))

    def instant(self, clock: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        return _timezone_of_clock(zone.key, clock).cast("timestamp")


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


@lru_cache(maxsize=4096)
def _sql(query: ops.Relation) -> str:
    """Writing a query takes longer than running it over a few thousand patients."""
    return str(DuckDBCompiler().to_sqlglot(query.to_expr()).sql("duckdb"))


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
    return DuckDBType.from_string(DuckDBType.to_string(dtype))


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp"))
def _timezone_of_instant(zone, moment): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202


@ibis.udf.scalar.builtin(name="timezone", signature=(("string", "timestamp"), "timestamp('UTC')"))
def _timezone_of_clock(zone, clock): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
