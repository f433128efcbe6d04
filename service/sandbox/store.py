"""Resources in, their versions out: thread-safe, the bytes on disk and small indexes in memory.

Every write goes through `commit`, which does all of a list of writes or none.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from service.sandbox.content import Content, parse, same, stamp
from service.sandbox.dates import milliseconds
from service.sandbox.index import Indexes
from service.sandbox.journal import Journal
from service.sandbox.outcome import Refusal, gone, malformed, not_found, precondition_failed
from service.sandbox.table import Table


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource; `body` is empty for a deletion."""

    type: str
    id: str
    number: int
    updated: int  # epoch milliseconds
    body: bytes

    @property
    def etag(self) -> str:
        return f'W/"{self.number}"'

    @property
    def location(self) -> str:
        return f"{self.type}/{self.id}/_history/{self.number}"


@dataclass(frozen=True, slots=True)
class Write:
    """An update or create with an id, or a deletion when there is no content; done only if its preconditions hold."""

    type: str
    id: str
    content: Content | None
    match: int | None = None  # If-Match: the version that must be current
    must_be_new: bool = False  # If-None-Match: *
    assigned: bool = False  # the id is the server's own


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server does not do, by the names that faults have for it, and the resource types it does not have."""

    refused: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def check(self, write: Write, live: Version | None) -> None:
        if write.type in self.without:
            raise Refusal(404, "not-supported", f"this server knows no resource type {write.type!r}")
        if "delete" in self.refused and write.content is None:
            raise Refusal(405, "not-supported", "this server deletes nothing")
        if "update-create" in self.refused and not live and not write.assigned:
            raise Refusal(405, "not-supported", "this server gives ids itself: POST, and no PUT to an id of your own")


class Written(NamedTuple):
    """What became of a write: the version that now stands (none for a deletion of nothing), and how it came about."""

    version: Version | None
    created: bool


class _Meta(msgspec.Struct):
    versionId: str | None = None
    lastUpdated: datetime | None = None


class _Header(msgspec.Struct):
    resourceType: str
    id: str
    meta: _Meta | None = None


class _Planned(NamedTuple):
    write: Write
    number: int  # of the version that it makes
    live: Version | None  # what stands now, unless it is deleted
    body: bytes | None


_AT_ONCE = 500  # resources loaded by one write to the disk
_header = msgspec.json.Decoder(_Header)


class Store:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._journal = Journal()
        self._tables: defaultdict[str, Table] = defaultdict(Table)
        self._indexes: dict[str, Indexes] = {}
        self.lock = threading.RLock()
        self.limits = Limits()

    def close(self) -> None:
        self._journal.close()

    def load(self, resources: Iterable[bytes]) -> None:
        """Streams resources in. What is marked as version 1 of some time is that, the rest is put as by a client."""
        stream = iter(resources)
        while batch := list(islice(stream, _AT_ONCE)):
            with self.lock:
                place = self._journal.append(b"".join(batch))
                for body in batch:
                    self._load(body, place)
                    place += len(body)

    def _load(self, body: bytes, place: int) -> None:
        type, id, meta = msgspec.structs.astuple(_header.decode(body))
        if meta and meta.lastUpdated and meta.versionId == "1" and self.table(type).newest(id) is None:
            self._record(type, id, milliseconds(meta.lastUpdated), body, place)
        else:
            self.put(body)

    def put(self, resource: dict[str, Any] | bytes, match: int | None = None) -> Version:
        """Updates or creates one resource by its own id, as a PUT does."""
        content = parse(resource if isinstance(resource, bytes) else msgspec.json.encode(resource))
        if content.id is None:
            raise malformed("the resource has no id")
        version = self.commit([Write(content.type, content.id, content, match, assigned=True)])[0].version
        assert version is not None
        return version

    def create(self, content: Content) -> Version:
        """Stores the content under a new id."""
        id = str(uuid4())
        version = self.commit([Write(content.type, id, content.named(id), assigned=True)])[0].version
        assert version is not None
        return version

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Does all the writes, or raises a Refusal and does none. Two writes may not name the same resource."""
        if len({(write.type, write.id) for write in writes}) < len(writes):
            raise malformed("two entries name the same resource")
        with self.lock:
            now = round(self._clock() * 1000)
            planned = [self._plan(write, now) for write in writes]
            places = [self._journal.append(plan.body or b"") for plan in planned]
            return [self._carry_out(plan, place, now) for plan, place in zip(planned, places, strict=True)]

    def _plan(self, write: Write, now: int) -> _Planned:
        newest = self._newest(write.type, write.id)
        live = newest if newest and newest.body else None
        self.limits.check(write, live)
        _check(write, live)
        number = newest.number + 1 if newest else 1
        return _Planned(write, number, live, _body(write, number, now, live))

    def _carry_out(self, plan: _Planned, place: int, now: int) -> Written:
        write, number, live, body = plan
        if body is None:
            return Written(live, created=False)
        self._record(write.type, write.id, now, body, place)
        return Written(Version(write.type, write.id, number, now, body), created=bool(body) and live is None)

    def _record(self, type: str, id: str, updated: int, body: bytes, place: int) -> None:
        table, indexes = self.table(type), self.indexes(type)
        before = self._newest(type, id) if indexes.built else None
        record = table.record(id, updated, place, len(body))
        indexes.change(table.row[record], before.body if before else b"", body)

    def read(self, type: str, id: str) -> Version:
        """The current version. Refused with 404 when the id was never used, 410 when the resource is deleted."""
        with self.lock:
            version = self._newest(type, id)
        if version is None:
            raise not_found(type, id)
        if not version.body:
            raise gone(type, id)
        return version

    def history(self, type: str, id: str) -> list[Version]:
        """Every version, newest first, deletions included."""
        with self.lock:
            table = self.table(type)
            versions = [self._version(type, record) for record in table.versions(id)]
        if not versions:
            raise not_found(type, id)
        return versions

    def versions(self) -> dict[str, int]:
        """'Type/id' -> the number of its newest version, for every resource that is not deleted."""
        with self.lock:
            return {
                f"{type}/{id}": table.version[table.current[row]]
                for type, table in self._tables.items()
                for row, id in enumerate(table.ids)
                if table.lives(row)
            }

    def table(self, type: str) -> Table:
        """One type's columns; hold the lock while looking at more than a single record."""
        return self._tables[type]

    def indexes(self, type: str) -> Indexes:
        """One type's indexes, each built when it is first asked for; hold the lock."""
        if type not in self._indexes:
            self._indexes[type] = Indexes(lambda: self._current(type))
        return self._indexes[type]

    def _current(self, type: str) -> Iterator[tuple[int, bytes]]:
        table = self.table(type)
        for row, record in enumerate(table.current):
            yield row, self._journal.read(table.offset[record], table.length[record])

    def bodies(self, type: str, records: Iterable[int]) -> Iterator[tuple[str, bytes]]:
        """(id, bytes) of these records, which may be versions of the past."""
        table, read = self.table(type), self._journal.read
        for record in records:
            yield table.ids[table.row[record]], read(table.offset[record], table.length[record])

    def _newest(self, type: str, id: str) -> Version | None:
        record = self.table(type).newest(id)
        return None if record is None else self._version(type, record)

    def _version(self, type: str, record: int) -> Version:
        table = self.table(type)
        body = self._journal.read(table.offset[record], table.length[record])
        return Version(type, table.ids[table.row[record]], table.version[record], table.updated[record], body)


def _body(write: Write, number: int, now: int, live: Version | None) -> bytes | None:
    """What has to be stored: the bytes of a version, none of them for a deletion, or None when nothing changes."""
    if write.content is None:
        return b"" if live else None
    body = stamp(write.content.named(write.id), number, now, parse(live.body) if live else None)
    return None if live and same(live.body, body) else body


def _check(write: Write, live: Version | None) -> None:
    """Refuses a write whose preconditions do not hold. https://hl7.org/fhir/R4/http.html#concurrency"""
    if write.must_be_new and live:
        raise precondition_failed(f"{write.type}/{write.id} exists already")
    if write.match is None:
        return
    if live is None:
        raise precondition_failed(f"If-Match was sent, but there is no {write.type}/{write.id}")
    if live.number != write.match:
        raise precondition_failed(f"{write.type}/{write.id} is at version {live.number}, not {write.match}")
