"""The panels of this installation in, by id what a plan has to know of each out: a small record, its body on demand.

What stood at the last reading is kept in the lake, `standing/<source>.ndjson`. The next one asks only for what the
server changed since, and how many there are: a panel that is gone, or another count for any reason, means reading all
of them. Of what changed it asks for id and version, and for the whole of those alone whose version is neither the one
kept nor one that our own write was answered with. Nothing here is believed that the server did not say, and a lost file
costs no more than one full reading.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from service.compose.content import digest, parse
from service.errors import NotFhir, Refused
from service.lake import committed_file
from service.server.answers import Answer, server_date
from service.server.client import FhirServer
from service.server.parts import is_part
from service.server.search import count, pages
from service.write_back.record import Stood, record
from service.write_back.standing import Into, Lines, criteria, head, panels, read

FORM = 1  # of the kept file
OVERLAP = dt.timedelta(seconds=120)  # commits become visible out of order, and clocks within a cluster differ
BODIES_A_SEARCH = 50
PARTS = {"_elements": "id,meta"}


class _Kept(msgspec.Struct):
    """The first line of the kept file: of which server, and up to which moment of its clock."""

    form: int
    base: str
    source: str
    installation: str
    until: dt.datetime


_stood = msgspec.json.Decoder(Stood)
_kept = msgspec.json.Decoder(_Kept)


def stood(body: bytes) -> Stood:
    resource, named = parse(body), head(body)
    return record(resource, named.id, digest(resource), named.meta.versionId)


class Panels:
    """What stands of ours, by the panel's id. A body is there after `fetch`, or when this reading brought it."""

    def __init__(self, server: FhirServer, records: Lines, bodies: Lines, resource_type: str = "Observation") -> None:
        self._server, self._records, self._bodies, self.resource_type = server, records, bodies, resource_type
        self.dated = True  # every one says when it was changed, so that the server can be asked for that

    def seen(self, panel_id: str) -> Stood | None:
        line = self._records.get(panel_id)
        return _stood.decode(line) if line else None

    def get(self, panel_id: str) -> bytes | None:
        return self._bodies.get(panel_id)

    def version(self, panel_id: str) -> str | None:
        seen = self.seen(panel_id)
        return seen.version if seen else None

    def __contains__(self, panel_id: str) -> bool:
        return panel_id in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def add(self, panel_id: str, body: bytes) -> None:
        self.dated &= head(body).meta.lastUpdated is not None
        self._bodies.add(panel_id, body)
        self._records.add(panel_id, msgspec.json.encode(stood(body)))

    def know(self, record: bytes) -> None:
        self._records.add(_stood.decode(record).id, record)

    def forget(self) -> None:
        for panel_id in list(self._records):
            self._records.drop(panel_id)

    def kept(self) -> Iterator[bytes]:
        for panel_id in self._records:
            yield self._records.get(panel_id) or b""

    async def fetch(self, panel_ids: Sequence[str]) -> None:
        """Their bodies, as they stand now; one that no longer stands is forgotten."""
        await self.read([each for each in panel_ids if each in self._records and each not in self._bodies])

    async def read(self, panel_ids: Sequence[str]) -> None:
        """These whole, whatever is known of them."""
        for start in range(0, len(panel_ids), BODIES_A_SEARCH):
            await self._fetch(panel_ids[start : start + BODIES_A_SEARCH])

    async def _fetch(self, panel_ids: Sequence[str]) -> None:
        wanted = {"_id": ",".join(panel_ids), "_count": str(len(panel_ids))}
        async for page in pages(self._server, self.resource_type, wanted):
            for body in page.resources:
                if (panel_id := head(body).id) in panel_ids:
                    self.add(panel_id, body)
        for panel_id in panel_ids:
            if panel_id not in self._bodies:
                await self._read(panel_id)

    async def _read(self, panel_id: str) -> None:
        """A search may lag behind; the resource itself does not."""
        standing = await read(self._server, f"{self.resource_type}/{panel_id}")
        if standing:
            self.add(panel_id, standing.body)
        else:
            self._records.drop(panel_id)


@asynccontextmanager
async def standing_panels(
    server: FhirServer,
    installation: str,
    kept: Path,
    patients: Iterable[str] | None,
    *,
    full: bool,
    own: Iterable[Stood] = (),
    resource_type: str = "Observation",
) -> AsyncIterator[Panels]:
    """All panels that bear our tag, or where only some `patients` were read, theirs, which nothing is kept of.

    `own` are those that our last writes made, each with the version that the server answered.
    """
    with Lines.spooled(kept.parent) as records, Lines.spooled(kept.parent) as bodies:
        found = Panels(server, records, bodies, resource_type)
        if patients is not None:
            await panels(server, installation, found, patients, resource_type=resource_type)
        else:
            until = await _Reading(server, installation, kept, found, own).all(full)
            if until and found.dated:
                _keep(kept, server, installation, until, found)
        yield found


class _Whole(Exception):
    """A server that was asked for parts of resources gave one that it does not call a part."""


class _Listed:
    """Panels by id and version, as the server gives them where it is asked for no more."""

    def __init__(self, found: Panels) -> None:
        self._found = found
        self.versions: dict[str, str | None] = {}

    def add(self, panel_id: str, body: bytes) -> None:
        meta = head(body).meta
        if not is_part(meta.tag):
            raise _Whole
        self._found.dated &= meta.lastUpdated is not None
        self.versions[panel_id] = meta.versionId

    def unknown(self, own: Iterable[Stood]) -> list[str]:
        """Those of which neither what is kept nor `own` tells this version."""
        others = {each: now for each, now in self.versions.items() if now is None or now != self._found.version(each)}
        for each in own if others else ():
            if others.get(each.id) == each.version is not None:
                self._found.know(msgspec.json.encode(each))
                del others[each.id]
        return list(others)


class _Reading:
    """One reading of all that stands; it returns the server's clock when it began, None where it tells none."""

    def __init__(self, server: FhirServer, installation: str, kept: Path, found: Panels, own: Iterable[Stood]) -> None:
        self._server, self._installation, self._kept = server, installation, kept
        self._found, self._own = found, own

    async def all(self, full: bool) -> dt.datetime | None:
        since = None if full else self._recalled()
        if since:
            until = await self._since(since)
            if until:
                return until
            self._found.forget()
        return await self._everything()

    def _recalled(self) -> dt.datetime | None:
        """What stood at the last reading, into `found`, and when that was."""
        try:
            with self._kept.open("rb") as file:
                first = _kept.decode(file.readline())
                if not self._ours(first):
                    return None
                for line in file:
                    self._found.know(line.rstrip(b"\n"))
        except (FileNotFoundError, msgspec.MsgspecError):
            self._found.forget()
            return None
        return first.until

    def _ours(self, first: _Kept) -> bool:
        wanted = (FORM, self._server.base, self._server.source.id, self._installation)
        return (first.form, first.base, first.source, first.installation) == wanted

    async def _since(self, since: dt.datetime) -> dt.datetime | None:
        """None when the count shows that something is gone, or the server cannot be asked like that."""
        changed = {"_lastUpdated": (since - OVERLAP).astimezone(dt.UTC).strftime("ge%Y-%m-%dT%H:%M:%SZ")}
        try:
            until = await self._by_version(changed) or await self._read_into(changed, self._found)
            stands = await count(self._server, self._found.resource_type, self._wanted())
        except (Refused, NotFhir):
            return None
        return until if stands == len(self._found) else None

    async def _by_version(self, changed: dict[str, str]) -> dt.datetime | None:
        """Whole only those of a version that nobody knows; None where most are, or the server gives no parts."""
        listed = _Listed(self._found)
        try:
            until = await self._read_into({**changed, **PARTS}, listed)
        except _Whole:
            return None
        unknown = listed.unknown(self._own)
        if len(unknown) > max(BODIES_A_SEARCH, len(listed.versions) // 2):
            return None
        await self._found.read(unknown)
        return until

    async def _everything(self) -> dt.datetime | None:
        return await self._read_into({}, self._found)

    async def _read_into(self, more: dict[str, str], into: Into) -> dt.datetime | None:
        clock: list[dt.datetime | None] = []

        def first(answer: Answer) -> None:
            if not clock:
                clock.append(server_date(answer))

        await panels(
            self._server,
            self._installation,
            into,
            None,
            more=more,
            answered=first,
            resource_type=self._found.resource_type,
        )
        return clock[0] if clock else None

    def _wanted(self) -> dict[str, str]:
        return criteria(self._installation, self._found.resource_type)


def _keep(path: Path, server: FhirServer, installation: str, until: dt.datetime, found: Panels) -> None:
    first = _Kept(FORM, server.base, server.source.id, installation, until)
    with committed_file(path) as part, part.open("wb") as file:
        file.write(msgspec.json.encode(first) + b"\n")
        for line in found.kept():
            file.write(line + b"\n")
