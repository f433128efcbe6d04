"""A Bulk Data request in, an export with a life of its own out: pictured when begun, done after some polls, gone later.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html. An export keeps the records that stood when it began, not their
bytes: what is written meanwhile is not in it, and a large one costs no memory.
"""

from __future__ import annotations

import secrets
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from service.sandbox.dates import instant
from service.sandbox.export_order import Habits, Order
from service.sandbox.outcome import not_found, operation_outcome
from service.sandbox.parameters import SEARCH
from service.sandbox.search import find, parse
from service.sandbox.store import Store
from service.sandbox.table import Table


@dataclass(frozen=True)
class Part:
    """One file: resources by record, or lines that were made for it."""

    type: str
    records: array[int] = field(default_factory=lambda: array("I"))
    lines: tuple[bytes, ...] = ()


@dataclass
class Export:
    order: Order
    begun: int
    output: list[Part]
    deleted: list[Part]
    polls: int
    downloads: int | None
    error: list[Part] = field(default_factory=list)

    @property
    def signature(self) -> str:
        return str(-self.polls)

    @property
    def parts(self) -> list[Part]:
        return [*self.output, *self.deleted, *self.error]


class Exports:
    """The exports that are under way or may be fetched, by an unguessable key."""

    def __init__(self) -> None:
        self._held: dict[str, Export] = {}
        self._lock = threading.Lock()

    def begin(self, store: Store, order: Order, habits: Habits, clock: float | None = None) -> str:
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._held[key] = _picture(store, order, habits, time.time() if clock is None else clock)
        return key

    def get(self, key: str) -> Export:
        with self._lock:
            if key not in self._held:
                raise not_found("export", key)
            return self._held[key]

    def poll(self, key: str) -> Export | None:
        """None while it is under way."""
        export = self.get(key)
        with self._lock:
            export.polls -= 1
            return None if export.polls >= 0 else export

    def download(self, key: str, number: int) -> Part:
        export = self.get(key)
        with self._lock:
            if export.downloads is not None:
                export.downloads -= 1
            if not 0 <= number < len(export.parts) or (export.downloads or 0) < 0:
                raise not_found("file", str(number))
        return export.parts[number]

    def end(self, key: str) -> None:
        """Cancelled or no longer needed."""
        self.get(key)
        with self._lock:
            self._held.pop(key, None)

    def __len__(self) -> int:
        return len(self._held)


def _picture(store: Store, order: Order, habits: Habits, clock: float) -> Export:
    with store.lock:
        members = _members(store, order)
        kinds = order.types or tuple(SEARCH)
        output = [part for kind in kinds for part in _output(store, kind, order, members, habits)]
        deleted = [part for part in (_deleted(store, kind, order) for kind in kinds) if part]
    begun = round((clock - habits.behind) * 1000)
    error = [Part("OperationOutcome", lines=tuple(map(_outcome, habits.errors)))] if habits.errors else []
    return Export(order, begun, output, deleted, habits.polls, habits.downloads, error)


def _members(store: Store, order: Order) -> frozenset[str] | None:
    if order.level != "Group":
        return order.patients
    listed = msgspec.json.decode(store.read("Group", order.group).body).get("member", [])
    references = (each.get("entity", {}).get("reference", "") for each in listed if not each.get("inactive"))
    members = frozenset(name.rpartition("/")[2] for name in references if "Patient/" in name)
    return members & order.patients if order.patients else members


def _output(store: Store, type: str, order: Order, members: frozenset[str] | None, habits: Habits) -> Iterator[Part]:
    records = _records(store, type, order, members)
    size = habits.file_lines
    for start in range(0, len(records), size):
        some = records[start : start + size]
        if habits.repeated:
            some = array("I", [*some, *some[:1], *records[:1]])
        yield Part(type, some, _spoilt(type) if habits.spoilt and start == 0 else ())


def _records(store: Store, type: str, order: Order, members: frozenset[str] | None) -> array[int]:
    """The newest version of what stands, in the compartments of these patients, since then, and as filtered."""
    if type == "Group" and order.level == "Group":
        rows = {store.table(type).row_of[order.group]}
    else:
        rows = _in_compartments(store, type, members)
    table = store.table(type)
    rows = {row for row in rows if table.lives(row) and _after(table, row, order.since)}
    if type in order.filters:
        matching = {table.row[record] for pairs in order.filters[type] for record in find(store, parse(type, pairs))}
        rows &= matching
    return array("I", [table.current[row] for row in sorted(rows)])


def _in_compartments(store: Store, type: str, members: frozenset[str] | None) -> set[int]:
    table = store.table(type)
    if members is None or not (type == "Patient" or "patient" in SEARCH[type]):
        return set(range(len(table.ids)))
    if type == "Patient":
        return {table.row_of[each] for each in members if each in table.row_of}
    postings = store.indexes(type).postings(SEARCH[type]["patient"])
    return {row for each in members for row in postings.having(f"Patient/{each}")}


def _after(table: Table, row: int, since: int | None) -> bool:
    return since is None or table.updated[table.current[row]] > since


def _deleted(store: Store, type: str, order: Order) -> Part | None:
    """Since then, one Bundle a line; without a `since` nobody holds what could be removed."""
    if order.since is None:
        return None
    table = store.table(type)
    gone = [id for row, id in enumerate(table.ids) if not table.lives(row) and _after(table, row, order.since)]
    return Part("Bundle", lines=tuple(_removal(f"{type}/{id}") for id in gone)) if gone else None


def _removal(reference: str) -> bytes:
    entry = {"request": {"method": "DELETE", "url": reference}}
    return msgspec.json.encode({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def _outcome(severity: str) -> bytes:
    outcome = msgspec.json.decode(operation_outcome("processing", "some of it could not be exported"))
    outcome["issue"][0]["severity"] = severity
    return msgspec.json.encode(outcome)


def _spoilt(type: str) -> tuple[bytes, ...]:
    return (b'{"resourceType":"%b","id":"cut' % type.encode(), b'{"resourceType":"Basic","id":"stray"}')


def manifest(export: Export, key: str, base: str, habits: Habits) -> bytes:
    place = f"{habits.files_at or base}/bulk/{key}"
    query = f"?signed={export.signature}" if habits.signed else ""
    numbers = iter(range(len(export.parts)))

    def items(parts: list[Part]) -> list[dict[str, object]]:
        return [_item(part, f"{place}/{next(numbers)}.ndjson{query}", habits) for part in parts]

    told = {
        "transactionTime": instant(export.begun),
        "request": export.order.url,
        "requiresAccessToken": habits.requires_access_token,
        "output": items(export.output),
        "deleted": items(export.deleted),
        "error": items(export.error),
        "extension": {"https://example.org/extra": {"note": "to be ignored"}},
    }
    return msgspec.json.encode(told)


def _item(part: Part, url: str, habits: Habits) -> dict[str, object]:
    counted = {"count": len(part.records) + len(part.lines)} if habits.counts else {}
    return {"type": part.type, "url": url, **counted}


def lines(store: Store, part: Part, habits: Habits) -> Iterator[bytes]:
    """The file, a few hundred lines at a time."""
    pending = [*part.lines]
    for _, body in store.bodies(part.type, part.records):
        pending.append(body)
        if len(pending) > 500:
            yield b"\n".join(pending) + b"\n"
            pending = []
    if pending:
        yield b"\n".join(pending) + (b"\n" if habits.final_newline else b"")
