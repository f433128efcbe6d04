"""Ibis over Apache Spark: the engine for those who outgrow one machine.

Whatever is computed stays on the executors; the driver sees counts, what was set aside, and rows of a report.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow.parquet
from ibis.backends.pyspark.datatypes import PySparkSchema
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as spark
from pyspark.sql.types import ArrayType, DataType, StructType

from service.engine.engine import REFUSED, Engine, P, RowRefused, ShapeMismatch
from service.engine.spark_session import is_local, session
from service.engine.spark_sql import spark_type, typed_sql
from service.errors import EngineProblem

ROW_ID = "rowid"  # as Ibis calls it
GLOB = re.compile(r"([][{}*?\\])")
LONGEST_OVERLAP = ibis.interval(hours=3)  # clocks were never put back by more
# As DuckDB writes it: nothing for null, "" for no text, a quote said twice.
CSV = {
    "header": "true",
    "escape": '"',
    "ignoreLeadingWhiteSpace": "false",
    "ignoreTrailingWhiteSpace": "false",
}
SAME_PYTHON = "see that the executors' Python has this service, and that they see the lake (docs/engines.md)"
MISSHAPEN = ("MALFORMED_RECORD", "CAST_INVALID_INPUT", "CAST_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE", "CANNOT_PARSE")


@contextmanager
def opened(scratch: Path, master: str, settings: Mapping[str, str]) -> Iterator[Spark]:
    yield Spark(session(master, settings), scratch)


class Spark(Engine):
    def __init__(self, session: SparkSession, scratch: Path) -> None:
        super().__init__(scratch)
        self._session = session
        self._backend = ibis.pyspark.connect(session)
        shuffled = int(str(session.conf.get("spark.sql.shuffle.partitions")))
        self._most_parts = max(shuffled, session.sparkContext.defaultParallelism)
        self._alone = is_local(str(session.sparkContext.master))

    def scan_ndjson(self, paths: Sequence[Path], columns: Mapping[str, str | dt.DataType]) -> ir.Table:
        return self._named(self._lines(paths, columns))

    def read_ndjson(self, path: Path, columns: Mapping[str, str]) -> ir.Table:
        # Splits are numbered in the order that they have in the file, and lines in the order within them.
        lines = self._lines([path], columns).withColumn(ROW_ID, spark.monotonically_increasing_id())
        return self._kept(lines)

    def _lines(self, paths: Sequence[Path], columns: Mapping[str, str | dt.DataType]) -> DataFrame:
        schema = ", ".join(f"`{name}` {spark_type(ibis.dtype(dtype))}" for name, dtype in columns.items())
        return self._session.read.schema(schema).json([_address(path) for path in paths], mode="FAILFAST")

    def structure(self, paths: Sequence[Path], resource: str) -> Any:
        lines = self._session.read.text([_address(path) for path in paths])
        ours = lines.filter(spark.get_json_object("value", "$.resourceType") == resource)
        with _told():
            seen = self._session.read.json(ours.rdd.map(lambda row: row[0]), mode="FAILFAST")
        return _structure(seen.schema) if seen.schema.fields else None

    def line(self, table: ir.Table) -> ir.IntegerColumn:
        return table.rowid()

    def _parquet(self, *paths: Path) -> ir.Table:
        return self._named(self._session.read.parquet(*map(_address, paths)))

    def write_parquet(self, table: ir.Table, path: Path) -> int:
        self._write(self._frame(table), path, "parquet")
        return int(pyarrow.parquet.read_metadata(path).num_rows)

    def write_csv(self, table: ir.Table, path: Path) -> int:
        whole = self.scratch / f"{uuid4().hex}.parquet"
        rows = self.write_parquet(table.mutate(**_clocks_as_text(table)), whole)
        self._write(self._session.read.parquet(_address(whole)), path, "csv", **CSV)
        return rows

    def _write(self, frame: DataFrame, path: Path, form: str, **how: str) -> None:
        """Spark writes a directory of parts; a file of the lake is one file."""
        parts = path.with_name(f"{path.name}.parts")
        try:
            with _told():
                frame.coalesce(1).write.format(form).options(**how).save(f"file:{parts.resolve()}")
            (only,) = parts.glob("part-*")
            only.replace(path)
        finally:
            shutil.rmtree(parts, ignore_errors=True)
        path.chmod(0o600)

    def materialise(self, table: ir.Table) -> ir.Table:
        return self._kept(self._frame(table))

    def _kept(self, frame: DataFrame) -> ir.Table:
        """Computed once: by this process's own executors as blocks, by others as files, which outlive an executor.

        A union has the parts of all that it is made of, and the union of unions soon has thousands of a few rows each.
        """
        fewer = frame.coalesce(self._most_parts)
        with _told():
            return self._named(fewer.localCheckpoint() if self._alone else self._as_files(fewer))

    def _as_files(self, frame: DataFrame) -> DataFrame:
        place = f"file:{self.scratch.resolve()}/{uuid4().hex}"
        frame.write.parquet(place)
        return self._session.read.schema(frame.schema).parquet(place)

    def gather(self, tables: Iterable[ir.Table], columns: Mapping[str, str]) -> ir.Table:
        gathered = [_widened(table, columns) for table in tables]
        return self.materialise(ibis.union(*gathered)) if gathered else self.load([], columns)

    def release(self, table: ir.Table) -> None:
        self._session.catalog.dropTempView(table.op().name)

    def rows(self, table: ir.Table) -> Iterator[dict[str, Any]]:
        with _told():
            for row in self._frame(table).toLocalIterator():
                yield row.asDict(recursive=True)

    def each(
        self, table: ir.Table, items: ir.ArrayValue, name: str, index: str = "", *, or_null: bool = False
    ) -> ir.Table:
        unnested = table.mutate(**{name: items}).unnest(name, offset=index or None, keep_empty=or_null)
        return unnested.mutate(**{index: unnested[index].cast("int64").fill_null(0)}) if index else unnested

    def refuse(self, number: int, dtype: str | dt.DataType) -> ir.Value:
        return _raise_error(f"{REFUSED}{number}").cast(dtype)

    def local(self, moment: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        return _convert_timezone("UTC", zone.key, moment)

    def instant(self, clock: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        """Of an hour that comes twice the second is meant, as on DuckDB; Java takes the first."""
        first = _convert_timezone(zone.key, "UTC", clock)
        second = _convert_timezone(zone.key, "UTC", clock + LONGEST_OVERLAP) - LONGEST_OVERLAP
        return ibis.cases((self.local(second, zone) == clock, second), else_=first)

    def moment(self, text: ir.StringValue) -> ir.TimestampValue:
        """Spark does not read a time whose seconds were left out."""
        return super().moment(text.re_replace("^(.{16})([-+Z])", "$1:00$2"))

    @property
    def executors(self) -> int:  # type: ignore[override]
        return int(self._session.sparkContext.defaultParallelism)

    def spread(self, work: Callable[[P], None], parts: Sequence[P]) -> None:
        try:
            self._session.sparkContext.parallelize(parts, len(parts) or 1).foreach(work)
        except (PySparkException, Py4JJavaError) as error:
            raise EngineProblem(
                f"a task of an executor failed: {_of_python(str(error))}", where="spark_master", do=SAME_PYTHON
            ) from error

    def _frame(self, table: ir.Table) -> DataFrame:
        return self._session.sql(typed_sql(table))

    def _named(self, frame: DataFrame) -> ir.Table:
        name = self._name()
        frame.createOrReplaceTempView(name)
        schema = PySparkSchema.to_ibis(field for field in _fields(frame) if field[0] != ROW_ID)
        return ops.DatabaseTable(name, schema=schema, source=self._backend).to_expr()


def _fields(frame: DataFrame) -> Iterator[tuple[str, DataType]]:
    return ((field.name, field.dataType) for field in frame.schema.fields)


def _address(path: Path) -> str:
    """A path as Spark reads it: on this file system, whatever the cluster's own is, and no pattern."""
    return "file:" + GLOB.sub(r"\\\1", str(path.resolve()))


def _clocks_as_text(table: ir.Table) -> dict[str, ir.StringValue]:
    """Without the zeros that a format of Spark's would write behind the seconds."""
    return {name: table[name].cast("string") for name, dtype in table.schema().items() if dtype.is_timestamp()}


def _widened(table: ir.Table, columns: Mapping[str, str]) -> ir.Table:
    return table.select(
        **{name: table[name].cast(of) if name in table.columns else ibis.null(of) for name, of in columns.items()}
    )


def _structure(dtype: DataType) -> Any:
    if isinstance(dtype, StructType):
        return {field.name: _structure(field.dataType) for field in dtype.fields}
    return [_structure(dtype.elementType)] if isinstance(dtype, ArrayType) else dtype.typeName()


def _of_python(said: str) -> str:
    """The last line of the traceback that a task's Python left in Spark's own."""
    traceback = said.partition("Traceback (most recent call last):")[2].split("\n\n")[0]
    return next((line for line in reversed(traceback.splitlines()) if line.strip()), "").strip() or said.splitlines()[0]


@contextmanager
def _told() -> Iterator[None]:
    """What Spark found wrong with a line, as ours."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        said = str(error)
        if refused := re.search(rf"{REFUSED}(-?\d+)", said):
            raise RowRefused(int(refused[1])) from error
        if any(condition in said for condition in MISSHAPEN):
            raise ShapeMismatch(said) from error
        raise


@ibis.udf.scalar.builtin(name="convert_timezone", signature=(("string", "string", "timestamp"), "timestamp"))
def _convert_timezone(of, into, clock): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202


@ibis.udf.scalar.builtin(name="raise_error", signature=(("string",), "string"))
def _raise_error(message): ...  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
