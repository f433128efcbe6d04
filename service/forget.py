"""A person in, a lake and a catalog without them out, whatever run it was; and whether anything still names them.

Raw lines, rows of facts and profiles, entries in reports of stages are taken out one by one. Plans and the cache of
what stands are made again from the rest, so a file of those that names the person goes as a whole.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import sqlalchemy as sa

from service import raw, shelves
from service.catalog import Catalog
from service.engine.duckdb_connections import OFFLINE
from service.lake import ANEW, CHANGED, PART, Lake, committed_file, folder, linked, read_json, write_json
from service.merging import merged_with
from service.references import named
from service.settings import Source
from service.shelves.journal import Journal, beside
from service.tables import runs, written

PEOPLE_COLUMNS = ("patient", "other", "member")
TYPE_OF_ID = {"restricted": "Encounter", "restricted_claims": "Claim"}
MAKE_AGAIN = ("plans", "standing")


class _Head(msgspec.Struct):
    resourceType: str = ""
    id: str = ""


_head = msgspec.json.Decoder(_Head)


def records(lake: Lake, source: Source, patient: str) -> frozenset[str]:
    """All records of that person: those that were merged, as any pull saw it. `patient` is `Patient/id`."""
    merges = [pair for file in _raw(lake, source.id, "Patient") for pair in _merges(file, source)]
    known = {patient}
    while more := {other for one, other in merges if one in known} - known:
        known |= more
    return frozenset(known)


def _merges(file: Path, source: Source) -> Iterator[tuple[str, str]]:
    bases = (*source.bases, *_stated(file.parent))
    with file.open("rb") as lines:
        for line in lines:
            for kind, name in (named(each, bases) for each in merged_with(line)):
                if kind == "Patient":
                    one, other = f"Patient/{_head.decode(line).id}", f"Patient/{name}"
                    yield from ((one, other), (other, one))


def _stated(pulled: Path) -> tuple[str, ...]:
    """Where the server said that it is, when it was pulled."""
    file = pulled / "manifest.json"
    base = read_json(file, "pull").get("stated_base") if file.is_file() else None
    return (str(base),) if base else ()


def _raw(lake: Lake, source: str, kind: str = "*") -> list[Path]:
    return sorted((lake.root / "raw" / folder(source)).glob(f"*/{kind}.ndjson"))


def _by_file(paths: Iterable[Path]) -> list[list[Path]]:
    """The names of each file: that of a large one is many runs'."""
    names: dict[tuple[int, int], list[Path]] = {}
    for path in paths:
        found = path.stat()
        names.setdefault((found.st_dev, found.st_ino), []).append(path)
    return list(names.values())


class Forgetting:
    """`people` are all records of one person: {"Patient/1", "Patient/1-old"}."""

    def __init__(self, lake: Lake, source: str, people: frozenset[str]) -> None:
        self._lake, self._source, self.people = lake, source, people
        self._named = re.compile(_any(people))
        self._erased: set[str] = set(people)
        self.taken: Counter[str] = Counter()

    def from_lake(self) -> Counter[str]:
        """How many lines, rows, entries and files were taken out, by what they were."""
        for part in self._lake.parts(self._source):
            shutil.rmtree(part)
        for names in _by_file(_raw(self._lake, self._source)):
            self._lines(*names)
        for stage, name in (("raw", "*.replaced"), ("facts", CHANGED), ("profiles", ANEW)):
            for file in self._files(stage, f"*/{name}"):
                file.unlink()  # without it all of the lines are looked at again
        for stage in ("facts", "profiles"):
            for file in self._files(stage, "*/*.parquet"):
                self._rows(file)
        for stage in ("raw", "facts", "profiles"):
            for file in self._files(stage, "*/*.json"):
                self._entries(file)
        for stage in MAKE_AGAIN:
            for file in self._files(stage, "*"):
                self._whole(file, stage)
        for stage, file in (("served", self._lake.served(self._source)), ("audit", self._lake.audit(self._source))):
            if beside(file).is_file():
                Journal(file).close()  # what happened a moment ago lies there still
            if file.is_file() and (count := shelves.forget(file, sorted(self.people), self._mentions)):
                self.taken[stage] += count
        return self.taken

    def _files(self, stage: str, pattern: str) -> list[Path]:
        own = self._lake.root / stage
        if stage == "standing":
            return sorted(each for each in own.glob(f"{folder(self._source)}*") if each.is_file())
        return sorted(each for each in (own / folder(self._source)).glob(pattern) if each.is_file())

    def _lines(self, file: Path, *others: Path) -> None:
        """A file without a line of theirs is left untouched; `others` are the names that other runs have for it."""
        with file.open("rb") as lines:
            if not any(self._about(line, file) for line in lines):
                return
        with committed_file(file) as part:
            gone = self._rewritten(file, part)
            for each in (file, *others):
                self._stand_no_more(each, gone)
        for other in others:
            new = other.with_name(other.name + PART)
            new.unlink(missing_ok=True)
            linked(file, new)
            new.replace(other)
        for each in (file, *others):
            raw.index(raw.earlier(each)).unlink(missing_ok=True)  # the next pull makes one file, and counts it

    def _rewritten(self, file: Path, part: Path) -> set[str]:
        """The ids of which no line is left."""
        gone = set()
        with file.open("rb") as lines, part.open("wb") as out:
            for line in lines:
                kept = self._kept(line, file)
                out.write(kept)
                if not kept:
                    gone.add(raw.id_of(line))
        return gone

    @staticmethod
    def _stand_no_more(file: Path, gone: set[str]) -> None:
        """Ids of lines that stood no more anyway, as long as the file still held them."""
        ids = raw.ids_superseded(file)
        if ids & gone:
            with committed_file(raw.superseded(file)) as part:
                part.write_bytes(raw.as_superseded(ids - gone))

    def _about(self, line: bytes, file: Path) -> bool:
        named = self._named.search(line.decode(errors="replace")) is not None
        return named or (file.stem == "Patient" and f"Patient/{_head.decode(line).id}" in self.people)

    def _kept(self, line: bytes, file: Path) -> bytes:
        """What another owns is kept without the mention: a Group of many, a Patient who is linked."""
        if not self._about(line, file):
            return line
        head = _head.decode(line)
        reference = f"{head.resourceType}/{head.id}"
        self.taken[f"raw {head.resourceType}"] += 1
        if head.resourceType == "Group" or (head.resourceType == "Patient" and reference not in self.people):
            return _without_mention(line, self._mentions)
        self._erased.add(reference)
        return b""

    def _mentions(self, part: bytes) -> bool:
        return self._named.search(part.decode(errors="replace")) is not None

    def _rows(self, file: Path) -> None:
        with duckdb.connect(config={**OFFLINE}) as engine:
            columns = {
                row[0] for row in engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
            }
            theirs, values = self._condition(columns, file.stem)
            if not theirs:
                return
            query = f"FROM read_parquet(?) WHERE coalesce({theirs}, false)"
            count = engine.execute(f"SELECT count(*) {query}", [str(file), *values]).fetchall()[0][0]
            if count:
                kept = f"SELECT * FROM read_parquet(?) WHERE NOT coalesce({theirs}, false)"  # noqa: S608
                with committed_file(file) as part:
                    engine.execute(f"COPY ({kept}) TO '{part}' (FORMAT parquet)", [str(file), *values])
                self.taken[f"{file.parent.parent.parent.name} {file.stem}"] += count

    def _condition(self, columns: set[str], table: str) -> tuple[str, list[list[str]]]:
        people, erased = sorted(self.people), sorted(self._erased)
        named = [column for column in PEOPLE_COLUMNS if column in columns]
        if named:
            return " OR ".join(f"list_contains(?, {column})" for column in named), [people] * len(named)
        if "resource" in columns:
            return "list_contains(?, resource || '/' || id)", [erased]
        if table in TYPE_OF_ID:
            return f"list_contains(?, '{TYPE_OF_ID[table]}/' || id)", [erased]
        return "", []

    def _entries(self, file: Path) -> None:
        document = read_json(file, "pull")
        text = re.compile(_any(self._erased))
        kept = _pruned(document, lambda each: text.search(msgspec.json.encode(each).decode()) is not None)
        if kept != document:
            with committed_file(file) as part:
                write_json(part, kept)
            self.taken[f"entries of {file.name}"] += 1

    def _whole(self, file: Path, stage: str) -> None:
        with file.open("rb") as lines:
            theirs = any(self._mentions(line) for line in lines)
        if theirs:
            file.unlink()
            self.taken[stage] += 1

    def from_catalog(self, catalog: Catalog) -> Counter[str]:
        """Rows about them in every table, of this source's runs; the file is then written anew, without the remains."""
        taken: Counter[str] = Counter()
        own = sa.select(runs.c.run).where(runs.c.source == self._source)
        with catalog.engine.begin() as tx:
            about = sa.select(written.c.resource).where(written.c.patient.in_(self.people), written.c.run.in_(own))
            gone = sorted({*self.people, *tx.execute(about).scalars()})
            for table in runs.metadata.sorted_tables:
                if (which := _theirs(table, own, self._source, gone)) is not None:
                    taken[f"catalog {table.name}"] = tx.execute(table.delete().where(*which)).rowcount
        with catalog.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            tx.exec_driver_sql("VACUUM")
            if catalog.engine.dialect.name == "sqlite":
                tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return +taken

    def still_named(self, catalog: Catalog) -> list[str]:
        """The proof: files of the whole lake, and tables of the catalog, in which one of their records is named."""
        files = [path for path in sorted(self._lake.root.rglob("*")) if path.is_file() and self._is_ours(path)]
        found = [str(path.relative_to(self._lake.root)) for path in files if any(map(self._mentions, _texts(path)))]
        return found + [f"catalog {table}" for table, text in _cells(catalog, self._source) if self._mentions(text)]

    def _is_ours(self, path: Path) -> bool:
        """Another source's Patient/1 is another person."""
        parts = path.relative_to(self._lake.root).parts
        return len(parts) > 1 and any(part.startswith(folder(self._source)) for part in parts[1:2])


def _any(references: Iterable[str]) -> str:
    """Each as a whole: Patient/1 is not named by Patient/10."""
    names = "|".join(re.escape(each) for each in sorted(references))
    return rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9.-])"


def _without_mention(line: bytes, mentions: Callable[[bytes], bool]) -> bytes:
    """Every other element as the text that came."""
    fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    for name in ("member", "link"):
        if name in fields:
            parts = msgspec.json.decode(fields[name], type=list[msgspec.Raw])
            fields[name] = msgspec.Raw(msgspec.json.encode([part for part in parts if not mentions(bytes(part))]))
    return msgspec.json.encode({key: value for key, value in fields.items() if bytes(value) != b"[]"}) + b"\n"


def _pruned(element: Any, theirs: Callable[[Any], bool]) -> Any:
    """Without the entries of lists, and of what is kept by name, that name them."""
    if isinstance(element, dict):
        return {key: _pruned(value, theirs) for key, value in element.items() if not theirs(key)}
    if isinstance(element, list):
        return [_pruned(each, theirs) for each in element if not theirs(each)]
    return element


def _theirs(
    table: sa.Table, own: sa.Select[tuple[str]], source: str, gone: list[str]
) -> list[sa.ColumnElement[bool]] | None:
    """Which rows of a table are about them; None for a table about nobody."""
    about = [table.c[name].in_(gone) for name in ("patient", "resource", "ours") if name in table.c]
    if not about:
        return None
    return [sa.or_(*about), _of_source(table, own, source)]


def _texts(path: Path) -> Iterator[bytes]:
    """What a file says, line by line; Parquet and SQLite are packed, so they are asked."""
    if path.suffix == ".parquet":
        with duckdb.connect(config={**OFFLINE}) as engine:
            rows = engine.execute("SELECT to_json(t)::VARCHAR FROM read_parquet(?) t", [str(path)])
            while batch := rows.fetchmany(2_000):
                yield from (row[0].encode() for row in batch)
    elif path.suffix == ".sqlite":
        yield from shelves.texts(path)
    else:
        with path.open("rb") as lines:
            yield from lines


def _cells(catalog: Catalog, source: str) -> Iterator[tuple[str, bytes]]:
    own = sa.select(runs.c.run).where(runs.c.source == source)
    with catalog.engine.connect() as tx:
        for table in runs.metadata.sorted_tables:
            for row in tx.execute(sa.select(table).where(_of_source(table, own, source))):
                yield table.name, b" ".join(each if isinstance(each, bytes) else str(each).encode() for each in row)


def _of_source(table: sa.Table, own: sa.Select[tuple[str]], source: str) -> sa.ColumnElement[bool]:
    """What is of no source is of all of them."""
    if "source" in table.c:
        return table.c.source == source
    return table.c.run.in_(own) if "run" in table.c else sa.true()
