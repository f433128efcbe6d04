"""Ibis over DuckDB: files in, Ibis tables to reason with, Parquet or rows out.

Everything that only one engine can say stands here: how typed NDJSON is read, the order of its lines, time zones.
The rest of the code writes Ibis expressions and never names the engine.

Times in tables are timestamps without a zone that mean UTC. The session's zone is UTC as well.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import msgspec
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.backends.sql.datatypes import DuckDBType

from service.errors import LakeProblem
from service.lake import private_directory

LARGEST_LINE = 64 << 20
MEMORY = "3GiB"  # with what lies outside the engine's count a process stays within 4 GiB
BATCH = 10_000
REFUSED = "row refused: "

# Extensions that are not built in would be fetched from the network; json, parquet and icu are built in.
OFFLINE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


class ShapeMismatch(Exception):
    """Some line of an NDJSON file does not have the shape asked for."""


class RowRefused(Exception):
    """A row met `Engine.refuse`, of which this is the `number`."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"{REFUSED}{number}")


class Engine:
    def __init__(self, connection: Any, scratch: Path) -> None:
        self._connection = connection
        self._numbers = count()
        self.scratch = scratch

    @classmethod
    @contextmanager
    def open(cls, spill: Path, *, memory: str = MEMORY, threads: int = 0) -> Iterator[Engine]:
        """`spill` holds what does not fit into `memory`."""
        private_directory(spill)
        scratch = Path(tempfile.mkdtemp(prefix="engine-", dir=spill))
        limits = {"memory_limit": memory} | ({"threads": str(threads)} if threads else {})
        connection = ibis.duckdb.connect(**OFFLINE, **limits)
        connection.con.execute("SET temp_directory = ?", [str(scratch)])
        try:
            yield cls(connection, scratch)
        finally:
            connection.disconnect()
            shutil.rmtree(scratch, ignore_errors=True)
            with suppress(OSError):  # another engine may still spill beside this one
                spill.rmdir()

    def read_ndjson(self, path: Path, columns: Mapping[str, str]) -> ir.Table:
        """The fields `columns` names (Ibis types), and no others; a line of another shape raises ShapeMismatch."""
        return self.materialise(self.scan_ndjson([path], columns))

    def scan_ndjson(self, paths: Sequence[Path], columns: Mapping[str, str | dt.DataType]) -> ir.Table:
        """As `read_ndjson`, of several files, read anew by each question: for those that are asked one."""
        types = {name: DuckDBType.to_string(ibis.dtype(dtype)) for name, dtype in columns.items()}
        return self._connection.read_json(
            [str(path) for path in paths],
            table_name=self._name(),
            columns=types,
            format="newline_delimited",
            maximum_object_size=LARGEST_LINE,
        )

    def structure(self, paths: Sequence[Path], resource: str) -> Any:
        """What resources of that type hold: objects as dicts, lists as lists of one, all else as words."""
        lines, of_type = "read_ndjson_objects(?, maximum_object_size=?)", "json->>'resourceType' = ?"
        asked = f"SELECT json_group_structure(json) FROM {lines} WHERE {of_type}"  # noqa: S608 - our own words
        with _told():
            row = self._connection.con.execute(asked, [[*map(str, paths)], LARGEST_LINE, resource]).fetchone()
        return msgspec.json.decode(row[0]) if row[0] else None

    def line(self, table: ir.Table) -> ir.IntegerColumn:
        """The place, from 0, that each row of a table from `read_ndjson` had in its file."""
        return table.rowid()

    def read_parquet(self, path: Path) -> ir.Table:
        if not path.is_file():
            raise LakeProblem(
                "a file of the lake is missing", where=str(path), do="run the stage before this one again"
            )
        return self._connection.read_parquet(str(path), table_name=self._name())

    def write_parquet(self, table: ir.Table, path: Path) -> int:
        """Returns how many rows."""
        return self._copy(table, path, "FORMAT parquet")

    def write_csv(self, table: ir.Table, path: Path) -> int:
        """Returns how many rows; the first line names the columns."""
        return self._copy(table, path, "FORMAT csv, HEADER")

    def _copy(self, table: ir.Table, path: Path, how: str) -> int:
        place = str(path).replace("'", "''")
        with _told():
            ((rows,),) = self._connection.raw_sql(f"COPY ({self._typed(table)}) TO '{place}' ({how})").fetchall()
        path.chmod(0o600)
        return int(rows)

    def materialise(self, table: ir.Table) -> ir.Table:
        """Computes once what several expressions share."""
        # Ibis's own create_table asks for the catalog, creates, inserts and describes: four questions more.
        name = self._name()
        schema = ibis.schema({column: _stored(dtype) for column, dtype in table.schema().items()})
        with _told():
            self._connection.raw_sql(f'CREATE TEMP TABLE "{name}" AS {self._typed(table)}').fetchall()
        place = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(name, schema=schema, source=self._connection, namespace=place).to_expr()

    def empty(self, table: ir.Table) -> ir.Table:
        """What `materialise` gives where there are no rows, without asking: writing the question takes its time."""
        return self.load([], {column: str(dtype) for column, dtype in table.schema().items()})

    def gather(self, tables: Iterable[ir.Table], columns: Mapping[str, str]) -> ir.Table:
        """One table of all their rows; where a table lacks one of `columns` (Ibis types) it is null."""
        gathered = self.load([], columns)
        for table in tables:
            self._connection.raw_sql(f'INSERT INTO "{gathered.op().name}" BY NAME {_sql(table.op())}').fetchall()
        return gathered

    def release(self, table: ir.Table) -> None:
        """Gives the room of a materialised table back."""
        # Not through Ibis 12, whose DROP loses the table's name under sqlglot 30.
        self._connection.raw_sql(f'DROP TABLE "{table.op().name}"').fetchall()

    def load(self, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> ir.Table:
        """Few rows from Python as a table."""
        path = self.scratch / f"{uuid4().hex}.ndjson"
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        return self.read_ndjson(path, columns)

    def rows(self, table: ir.Table) -> Iterator[dict[str, Any]]:
        """A stream: drain or close it before the next question, which is refused meanwhile."""
        with self._connection.con.sql(self._typed(table)).to_arrow_reader(BATCH) as batches:
            for batch in batches:
                yield from batch.to_pylist()

    def row(self, table: ir.Table) -> dict[str, Any]:
        """The only row of a table, such as an aggregate."""
        (only,) = self.rows(table)
        return only

    def each(
        self, table: ir.Table, items: ir.ArrayValue, name: str, index: str = "", *, or_null: bool = False
    ) -> ir.Table:
        """A row for each of `items` beside what it was made of: the item, and where asked its place from 0.

        `or_null`: where there is none, one row with null and 0.
        """
        # Ibis's own Table.unnest numbers the items twenty times as slowly.
        if or_null:
            items = ibis.cases((items.length() > 0, items), else_=ibis.literal([None], items.type()))
        places = {index: ibis.range(items.length()).unnest()} if index else {}
        return table.mutate(**{name: items.unnest()}, **places)

    def refuse(self, number: int, dtype: str | dt.DataType) -> ir.Value:
        """A value that is none: a row in which it is asked for raises RowRefused."""
        return _refusal(ibis.dtype(dtype))(f"{REFUSED}{number}")

    def _typed(self, table: ir.Table) -> str:
        """The query with the types that Ibis promises: DuckDB sums integers into wider ones, which Parquet lacks."""
        columns = (
            f'CAST("{name}" AS {DuckDBType.to_string(dtype)}) AS "{name}"' for name, dtype in table.schema().items()
        )
        return f"SELECT {', '.join(columns)} FROM ({_sql(table.op())})"  # noqa: S608 - names are our own

    def _name(self) -> str:
        """Of a table: the same question has the same names in every engine, so that its SQL is written once."""
        return f"step_{next(self._numbers)}"

    def local(self, moment: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        """UTC to the clock on the wall in `zone`."""
        return _timezone_of_instant(zone.key, moment.cast("timestamp('UTC')"))

    def instant(self, clock: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        """The clock on the wall in `zone` to UTC."""
        return _timezone_of_clock(zone.key, clock).cast("timestamp")

    def moment(self, text: ir.StringValue) -> ir.TimestampValue:
        """ISO 8601 text with an offset to UTC; null where it is none."""
        return text.try_cast("timestamp('UTC')").cast("timestamp")

    def at(self, moment: datetime) -> ir.TimestampScalar:
        """An aware Python datetime as a UTC literal."""
        return ibis.timestamp(moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None))


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
