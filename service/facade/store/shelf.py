"""A type, an id or a query in, resources as they are served out; from the file of profiles, or that of accesses.

Whoever asks says what may be seen, as a condition: there is no way to read past it.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from service import shelves
from service.errors import LakeProblem
from service.facade.search.condition import ALL, Condition, every
from service.facade.search.parameters import COUNTS, UPDATED
from service.facade.search.query import Query
from service.facade.store.profile import bearing, milliseconds

LAPSING = {"List", "MeasureReport", "Observation", "Provenance"}
_CHOSEN = f"row, type, id, patient, version, {UPDATED}, until, body"

SETTLED = 2_000_000_000  # nanoseconds; no file system dates more coarsely

# How a resource of ours begins: its type, its id, and a meta that is not empty.
META, HEAD = b'"meta":{', 200

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class Record:
    """`sorted_by` is its value in the column that the page is sorted by; `until`, in milliseconds, when it is shown
    otherwise, or not any more."""

    row: int
    type: str
    id: str
    patient: str | None
    version: str
    updated: dt.datetime
    body: bytes
    sorted_by: int = 0
    until: int | None = None

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


class Gist(NamedTuple):
    """What a card says of the profile with that id, until then in milliseconds."""

    id: str
    says: bytes
    until: int | None


@dataclass(frozen=True)
class Place:
    """Where a page ended: the value sorted by, and the row."""

    value: int
    row: int


@dataclass(frozen=True)
class About:
    """Of the file: `build` changes when it is made anew, `key` seals its page links."""

    build: str
    key: bytes
    fhir: str
    published: int


class Shelf:
    """One file. A new one in its place is noticed with the next question."""

    def __init__(self, path: Path, now: Callable[[], dt.datetime]) -> None:
        self._path, self._now = path, now
        self._held = threading.local()

    @property
    def about(self) -> About:
        return self._open().about

    @property
    def state(self) -> str | None:
        """Another one after each change. None soon after one: the next could come within the same tick of the clock
        that files are dated by."""
        build, place = self._open().about.build, self._path.stat()
        if time.time_ns() - place.st_mtime_ns < SETTLED:
            return None
        return f"{build} {place.st_mtime_ns} {place.st_size}"

    def now(self) -> int:
        """Milliseconds, by the clock that profiles lapse by."""
        return milliseconds(self._now())

    def read(self, type: str, id: str, sight: Condition) -> Record | None:
        named = Condition("type = ? AND id = ?", (type, id))
        found = self._records("WHERE {which}", every([named, self._current(type), sight]))
        return found[0] if found else None

    def profile(self, patient: str, sight: Condition) -> Record | None:
        """The profile of `Patient/id` that counts."""
        named = Condition("type = 'Observation' AND patient = ?", (patient,))
        found = self._records("WHERE {which}", every([named, self._current("Observation"), sight]))
        return found[0] if found else None

    def gist(self, patient: str) -> Gist | None:
        """Of the profile of `Patient/id` that counts; None where none does."""
        which = every([Condition("type = 'Observation' AND patient = ?", (patient,)), self._current("Observation")])
        query = f"SELECT id, gist, until FROM resources WHERE {which.sql}"  # noqa: S608
        found = self._open().connection.execute(query, which.values).fetchone()
        return Gist(*found) if found else None

    def page(self, query: Query, sight: Condition, after: Place | None = None) -> tuple[list[Record], Place | None]:
        """So many records after that place, and the place that a next page goes on from."""
        which, column = every([self._which(query, sight), _after(query, after)]), query.sort or "row"
        order = "DESC" if query.down else "ASC"
        tail = f"WHERE {{which}} ORDER BY {column} {order}, row {order} LIMIT {query.count + 1}"
        found = self._records(tail, which, column)
        shown = found[: query.count]
        more = len(found) > query.count
        return shown, Place(shown[-1].sorted_by, shown[-1].row) if more else None

    def count(self, query: Query, sight: Condition) -> int:
        which = self._which(query, sight)
        counted = f"SELECT count(*) FROM resources WHERE {which.sql}"  # noqa: S608
        return int(self._open().connection.execute(counted, which.values).fetchone()[0])

    def about_these(self, targets: Sequence[str], sight: Condition) -> list[Record]:
        """The Provenance of these `Observation/id`."""
        if not targets:
            return []
        marks = ", ".join("?" * len(targets))
        target = Condition(f"type = 'Provenance' AND target IN ({marks})", tuple(targets))
        return self._records("WHERE {which} ORDER BY row", every([target, self._current("Provenance"), sight]))

    def _which(self, query: Query, sight: Condition) -> Condition:
        return every([Condition("type = ?", (query.type,)), self._current(query.type), query.condition, sight])

    def _current(self, type: str) -> Condition:
        """Past its validUntil a profile is treated as absent."""
        return COUNTS if type in LAPSING else ALL

    def _records(self, tail: str, which: Condition, column: str = "row") -> list[Record]:
        opened = self._open()
        query = f"SELECT {_CHOSEN}, {column} FROM resources {tail.format(which=which.sql)}"  # noqa: S608
        return [self._record(opened, *row) for row in opened.connection.execute(query, which.values)]

    def _record(
        self,
        opened: _Opened,
        row: int,
        type: str,
        id: str,
        patient: str | None,
        version: str,
        updated: int,
        until: int | None,
        packed: bytes,
        sorted_by: int,
    ) -> Record:
        body = opened.press.unpacked(packed)
        if type == "Patient" and until is not None and until <= self.now():
            body, version, until = bearing(body, None), f"{version}.lapsed", None
        moment, said = _moment(updated)
        return Record(row, type, id, patient, version, moment, _stamped(type, body, version, said), sorted_by, until)

    def _open(self) -> _Opened:
        opened: _Opened | None = getattr(self._held, "opened", None)
        try:
            place = self._path.stat()
        except FileNotFoundError as error:
            raise LakeProblem("nothing is kept here to serve", where=str(self._path), do="run it first") from error
        if opened is None or opened.place != (place.st_dev, place.st_ino):
            if opened:
                opened.connection.close()
            opened = self._held.opened = self._opened(place.st_dev, place.st_ino)
        return opened

    def _opened(self, *place: int) -> _Opened:
        opened = _Opened.of(self._path, place)
        opened.connection.create_function("now", 0, self.now)
        return opened


@dataclass
class _Opened:
    """The file as one thread has it open."""

    connection: sqlite3.Connection
    place: tuple[int, ...]
    about: About
    press: shelves.Press

    @classmethod
    def of(cls, path: Path, place: tuple[int, ...]) -> _Opened:
        connection = shelves.connect(path, read_only=True)
        told = shelves.told(connection)
        key = told["key"]
        assert isinstance(key, bytes), "the key is drawn as bytes"
        about = About(str(told["build"]), key, str(told["fhir"]), int(told["published"]))
        return cls(connection, place, about, shelves.Press(connection))


def _after(query: Query, place: Place | None) -> Condition:
    if place is None:
        return every([])
    column, than = query.sort or "row", "<" if query.down else ">"
    return Condition(f"({column}, row) {than} (?, ?)", (place.value, place.row))


@lru_cache(maxsize=1024)
def _moment(milliseconds: int) -> tuple[dt.datetime, str]:
    """Those of a run were published together."""
    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)
    return moment, moment.isoformat(timespec="milliseconds")


def _stamped(type: str, body: bytes, version: str, updated: str) -> bytes:
    """With the version and its time in `meta`, all else to the letter; a Patient may bear those of the source."""
    stamps = {"versionId": version, "lastUpdated": updated}
    before, meta, after = body.partition(META)
    if meta and len(before) < HEAD and type != "Patient":
        return b"%b%b%b,%b" % (before, meta, msgspec.json.encode(stamps)[1:-1], after)
    fields = _fields.decode(body)
    held = _fields.decode(fields["meta"]) if "meta" in fields else {}
    head = {name: fields.pop(name) for name in ("resourceType", "id")}
    rest = {name: each for name, each in held.items() if name not in stamps}
    return msgspec.json.encode({**head, "meta": {**stamps, **rest}, **{k: v for k, v in fields.items() if k != "meta"}})
