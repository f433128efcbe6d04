"""The records that a search found in, the bytes of one searchset page out, with an opaque link to the next.

A page is joined from the stored bytes; nothing is decoded, and a link keeps what was found when the search began.
"""

from __future__ import annotations

import secrets
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import msgspec

from service.sandbox.content import part
from service.sandbox.outcome import Refusal, operation_outcome
from service.sandbox.paging_habits import Paging
from service.sandbox.parameters import SEARCH
from service.sandbox.search import Query
from service.sandbox.store import Store

LINKS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of what one search found."""

    query: Query
    found: array[int]
    start: int = 0
    size: int = 0
    hollow: bool = False

    @classmethod
    def first(cls, query: Query, found: array[int], habits: Paging) -> Page:
        size = min(query.count, habits.size or query.count)
        return cls(query, found if query.counted_only else found[: habits.most], size=size)

    @property
    def records(self) -> array[int]:
        return self.found[:0] if self.hollow else self.found[self.start : self.start + self.size]

    def next(self, habits: Paging) -> Page | None:
        if self.hollow:
            return replace(self, hollow=False)
        start = self.start + self.size
        if start >= len(self.found):
            return None
        size = max(1, self.size // 2) if habits.shrinking else self.size
        return replace(self, start=max(start - habits.overlap, self.start + 1), size=size, hollow=habits.empty)


class NextLinks:
    """Opaque token -> page. The oldest unused links expire, as on real servers."""

    def __init__(self, habits: Callable[[], Paging] = Paging) -> None:
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._habits = habits
        self._lock = threading.Lock()

    @property
    def habits(self) -> Paging:
        return self._habits()

    def token(self, page: Page) -> str:
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._pages[token] = page
            if len(self._pages) > (self.habits.lives or LINKS_KEPT):
                self._pages.popitem(last=False)
        return token

    def page(self, token: str) -> Page:
        with self._lock:
            if token not in self._pages:
                raise Refusal(410, "expired", "this page link has expired; search again")
            self._pages.move_to_end(token)
            return self._pages[token]


def searchset(store: Store, links: NextLinks, base: str, self_url: str, page: Page) -> bytes:
    """The Bundle of this page. HAPI's next links sit at the base, without a resource type, and so do these."""
    urls, habits = {"self": self_url}, links.habits
    if page.query.counted_only:
        return _bundle(urls, len(page.found), [])
    if following := page.next(habits):
        urls["next"] = habits.url(base, links.token(following))
    total = len(page.found) if page.query.total else None
    if habits.total == "estimate":
        total = 2 * len(page.found) + 7
    return _bundle(urls, total, _with_warning(habits, _entries(store, base, page)))


def _with_warning(habits: Paging, entries: Iterator[bytes]) -> Iterator[bytes]:
    yield from entries
    if habits.warns:
        outcome = operation_outcome("incomplete", "the search was cut short")
        yield b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome


def _bundle(urls: dict[str, str], total: int | None, entries: Iterable[bytes]) -> bytes:
    head = {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "type": "searchset",
        **({} if total is None else {"total": total}),
        "link": [{"relation": relation, "url": url} for relation, url in urls.items()],
    }
    return with_entries(head, entries)


def with_entries(head: dict[str, object], entries: Iterable[bytes]) -> bytes:
    """A Bundle from its other fields and its entries' bytes; FHIR has no empty arrays, so none gives no `entry`."""
    joined = b",".join(entries)
    encoded = msgspec.json.encode(head)
    return b'%b,"entry":[%b]}' % (encoded[:-1], joined) if joined else encoded


def _entries(store: Store, base: str, page: Page) -> Iterator[bytes]:
    type, records = page.query.type, page.records
    bodies = store.bodies(type, records)
    if page.query.elements:
        bodies = ((id, part(body, page.query.elements)) for id, body in bodies)
    yield from _shown(base, type, "match", bodies)
    if page.query.provenance:
        yield from _shown(base, "Provenance", "include", store.bodies("Provenance", _about(store, type, records)))


def _shown(base: str, type: str, mode: str, resources: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    prefix = b'{"fullUrl":%b' % msgspec.json.encode(f"{base}/{type}/")[:-1]
    suffix = b',"search":{"mode":"%b"}}' % mode.encode()
    for id, body in resources:
        yield b'%b%b","resource":%b%b' % (prefix, id.encode(), body, suffix)


def _about(store: Store, type: str, records: Iterable[int]) -> list[int]:
    """The current Provenance records whose target is one of these, each once."""
    with store.lock:
        targets = store.indexes("Provenance").postings(SEARCH["Provenance"]["target"])
        table, provenance = store.table(type), store.table("Provenance")
        ids = (table.ids[table.row[record]] for record in records)
        rows = {row for id in ids for row in targets.having(f"{type}/{id}")}
        return [provenance.current[row] for row in sorted(rows)]
