"""What every engine can do: files in, Ibis tables to reason with, Parquet or rows out.

Only what engines say differently stands here: how typed NDJSON is read, the order of its lines, time zones, rows for
the items of a list. The rest of the code writes Ibis expressions and never names the engine.

Times in tables are timestamps without a zone that mean UTC.
"""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import msgspec

from service.engine.kind import DUCKDB, Kind
from service.errors import LakeProblem
from service.lake import private_directory

P = TypeVar("P")
T = TypeVar("T")
REFUSED = "row refused: "


class ShapeMismatch(Exception):
    """Some line of an NDJSON file does not have the shape asked for."""


class RowRefused(Exception):
    """A row met `Engine.refuse`, of which this is the `number`."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"{REFUSED}{number}")


class Engine(ABC):
    """`executors`: how many work beside this process, each in a Python of its own; 0 where nobody does."""

    executors = 0

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._names = 0

    @staticmethod
    @contextmanager
    def open(
        spill: Path, kind: Kind = DUCKDB, *, memory: str = "", threads: int = 0, about: int | None = None
    ) -> Iterator[Engine]:
        """`spill` holds what does not fit into `memory`; both limits are the engine's own where they are not given.

        `about` so many resources it will be asked, where that is known.
        """
        with _scratch(spill) as scratch, kind.opened(scratch, memory, threads, about) as engine:
            yield engine

    @abstractmethod
    def scan_ndjson(self, paths: Sequence[Path], columns: Mapping[str, str | dt.DataType]) -> ir.Table:
        """As `read_ndjson`, of several files, read anew by each question: for those that are asked one."""

    @abstractmethod
    def structure(self, paths: Sequence[Path], resource: str) -> Any:
        """What resources of that type hold: objects as dicts, lists as lists of one, all else as words."""

    @abstractmethod
    def line(self, table: ir.Table) -> ir.IntegerColumn:
        """The place of each row of a table from `read_ndjson` in its file: a later line has a greater number."""

    @abstractmethod
    def write_parquet(self, table: ir.Table, path: Path) -> int:
        """One file; returns how many rows."""

    @abstractmethod
    def write_csv(self, table: ir.Table, path: Path) -> int:
        """Returns how many rows; the first line names the columns."""

    @abstractmethod
    def materialise(self, table: ir.Table) -> ir.Table:
        """Computes once what several expressions share."""

    @abstractmethod
    def gather(self, tables: Iterable[ir.Table], columns: Mapping[str, str]) -> ir.Table:
        """One table of all their rows; where a table lacks one of `columns` (Ibis types) it is null."""

    @abstractmethod
    def release(self, table: ir.Table) -> None:
        """Gives the room of a materialised table back."""

    @abstractmethod
    def rows(self, table: ir.Table) -> Iterator[dict[str, Any]]:
        """A stream: drain or close it before the next question, which may be refused meanwhile."""

    @abstractmethod
    def each(
        self, table: ir.Table, items: ir.ArrayValue, name: str, index: str = "", *, or_null: bool = False
    ) -> ir.Table:
        """A row for each of `items` beside what it was made of: the item, and where asked its place from 0.

        `or_null`: where there is none, one row with null and 0.
        """

    @abstractmethod
    def refuse(self, number: int, dtype: str | dt.DataType) -> ir.Value:
        """A value that is none: a row in which it is asked for raises RowRefused."""

    @abstractmethod
    def local(self, moment: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        """UTC to the clock on the wall in `zone`."""

    @abstractmethod
    def instant(self, clock: ir.TimestampValue, zone: ZoneInfo) -> ir.TimestampValue:
        """The clock on the wall in `zone` to UTC."""

    @abstractmethod
    def spread(self, work: Callable[[P], None], parts: Sequence[P]) -> None:
        """`work` on each of `parts`, wherever there is room; both are sent there. Returns when all is done."""

    @abstractmethod
    def _parquet(self, *paths: Path) -> ir.Table: ...

    def write_empty(self, table: ir.Table, path: Path) -> None:
        """As `write_parquet` of a table that has no rows, without asking it."""
        self.write_parquet(table, path)

    def read_ndjson(self, path: Path, columns: Mapping[str, str]) -> ir.Table:
        """The fields `columns` names (Ibis types), and no others; a line of another shape raises ShapeMismatch."""
        return self.materialise(self.scan_ndjson([path], columns))

    def read_parquet(self, *paths: Path) -> ir.Table:
        """Of several files the rows one file after the other."""
        return self._parquet(*map(present, paths))

    def read_back(self, path: Path, written: ir.Table) -> ir.Table:  # noqa: ARG002 - for engines that make use of it
        """As `read_parquet`, of a file of what was `written`."""
        return self.read_parquet(path)

    def folder(self) -> Path:
        """An empty one, which executors see as well; gone when the engine is closed."""
        made = self.scratch / uuid4().hex
        private_directory(made)
        return made

    def empty(self, table: ir.Table) -> ir.Table:
        """What `materialise` gives where there are no rows, without asking: writing the question takes its time."""
        return self.load([], {column: str(dtype) for column, dtype in table.schema().items()})

    def load(self, rows: list[dict[str, Any]], columns: Mapping[str, str]) -> ir.Table:
        """Few rows from Python as a table."""
        path = self.scratch / f"{uuid4().hex}.ndjson"
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        return self.materialise(self.scan_ndjson([path], columns))

    def again(self, _key: Hashable, _root: Path, build: Callable[[], T]) -> T:
        """What `build` makes of files below `_root` with this engine: tables, and what it concludes from their rows.

        Under the same key it would ask the same, but for what answers lead to; an engine may have kept how.
        """
        return build()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """What is materialised within may be given back at its end."""
        yield

    def through(
        self, work: Callable[..., Iterable[dict[str, Any]]], tables: Sequence[ir.Table], columns: Mapping[str, str]
    ) -> ir.Table:
        """Few rows through Python: those of each table in, a table of what `work`, pure, makes of them out."""
        return self.load(list(work(*(list(self.rows(table)) for table in tables))), columns)

    def repeated(self, table: ir.Table, step: Callable[[ir.Table], ir.Table], times: int) -> ir.Table:
        """`step` of the table, of that again, and so on; it keeps the columns, and makes no rows of none."""
        reached = self.materialise(table)
        if self.any(reached):
            for _ in range(times):
                reached = self.materialise(step(reached))
        return reached

    def any(self, table: ir.Table) -> bool:
        """Whether there is a row."""
        first = table.limit(1)
        return bool(self.row(first.agg(any=first.count() > 0))["any"])

    def row(self, table: ir.Table) -> dict[str, Any]:
        """The only row of a table, such as an aggregate."""
        (only,) = self.rows(table)
        return only

    def moment(self, text: ir.StringValue) -> ir.TimestampValue:
        """ISO 8601 text with an offset to UTC; null where it is none."""
        return text.try_cast("timestamp('UTC')").cast("timestamp")

    def at(self, moment: datetime) -> ir.TimestampScalar:
        """An aware Python datetime as a UTC literal."""
        return ibis.timestamp(moment.astimezone(ZoneInfo("UTC")).replace(tzinfo=None))

    def _name(self) -> str:
        """Of a table: the same question has the same names in every engine, so that its SQL is written once."""
        self._names += 1
        return f"step_{self._names}"


def present(path: Path) -> Path:
    if not path.is_file():
        raise LakeProblem("a file of the lake is missing", where=str(path), do="run the stage before this one again")
    return path


def _made(spill: Path) -> Path:
    """Again, where another engine took the empty directory away in between."""
    while True:
        private_directory(spill)
        with suppress(FileNotFoundError):
            return Path(tempfile.mkdtemp(prefix="engine-", dir=spill))


@contextmanager
def _scratch(spill: Path) -> Iterator[Path]:
    scratch = _made(spill)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        with suppress(OSError):  # another engine may still spill beside this one
            spill.rmdir()
