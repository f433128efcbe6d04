"""What DuckDB is told, as values that can be told again to another one: over other files, if they are given by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import msgspec

from service.engine.engine import present

LARGEST_LINE = 64 << 20

Columns = tuple[tuple[str, str], ...]


class Told(Protocol):
    """Who is told. Files are those below `root` unless their whole path is given."""

    root: Path
    scratch: Path

    def run(self, statement: str, *, anew: bool = False) -> list[Any]:
        """All rows that it gives. `anew`: it names files that no other will name."""

    def asked(self, query: str) -> list[dict[str, Any]]:
        """All rows of it."""


@dataclass(frozen=True)
class Tell:
    """A statement: how it begins, and the query that it ends with."""

    words: str
    query: str = ""

    def on(self, engine: Told) -> None:
        engine.run(self.words + self.query)


@dataclass(frozen=True)
class Ask:
    query: str

    def on(self, engine: Told) -> list[dict[str, Any]]:
        return engine.asked(self.query)


@dataclass(frozen=True)
class View:
    """Parquet files under a name, one after the other; answered are their `columns` and types, known or not."""

    name: str
    files: tuple[Path, ...]
    columns: Columns = ()

    def on(self, engine: Told) -> Columns:
        paths = ", ".join(text(str(present(engine.root / file))) for file in self.files)
        view = f'CREATE TEMP VIEW "{self.name}" AS SELECT * FROM read_parquet([{paths}])'  # noqa: S608
        engine.run(view, anew=True)
        return self.columns or tuple((column, dtype) for column, dtype, *_ in engine.run(f'DESCRIBE "{self.name}"'))


@dataclass(frozen=True)
class Load:
    """Rows as a table; `columns` are DuckDB's types by name."""

    name: str
    rows: bytes
    columns: Columns

    def on(self, engine: Told) -> None:
        _load(engine, self.name, self.rows, self.columns)


@dataclass(frozen=True)
class Repeat:
    """What `first` gives under a name, then `times` over what `following` makes of what has that name."""

    name: str
    first: str
    following: str
    times: int

    def on(self, engine: Told) -> None:
        engine.run(f'CREATE TEMP TABLE "{self.name}" AS {self.first}')
        if not engine.run(f'SELECT 1 FROM "{self.name}" LIMIT 1'):  # noqa: S608 - a name of our own
            return
        for _ in range(self.times):
            engine.run(f'CREATE TEMP TABLE "{self.name}_next" AS {self.following}')
            engine.run(f'DROP TABLE "{self.name}"')
            engine.run(f'ALTER TABLE "{self.name}_next" RENAME TO "{self.name}"')


@dataclass(frozen=True)
class Through:
    """What Python makes of the rows of queries as a table; nothing that comes after rests on what the rows are."""

    name: str
    queries: tuple[str, ...]
    columns: Columns
    work: Callable[..., Iterable[dict[str, Any]]] = field(compare=False)

    def on(self, engine: Told) -> None:
        rows = self.work(*(engine.asked(query) for query in self.queries))
        _load(engine, self.name, ndjson(rows), self.columns)


def ndjson(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _load(engine: Told, name: str, rows: bytes, columns: Columns) -> None:
    file = engine.scratch / f"{uuid4().hex}.ndjson"
    file.write_bytes(rows)
    engine.run(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM {lines([file], columns)}', anew=True)  # noqa: S608


def lines(files: list[Path], columns: Columns) -> str:
    """NDJSON as DuckDB reads it when it is told the types."""
    told = ", ".join(f"{text(name)}: {text(dtype)}" for name, dtype in columns)
    named = ", ".join(text(str(file)) for file in files)
    how = f"format = 'newline_delimited', columns = {{{told}}}, maximum_object_size = {LARGEST_LINE}"
    return f"read_json([{named}], {how})"


def text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
