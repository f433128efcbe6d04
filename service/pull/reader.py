"""Searches of one server in, checked lines in NDJSON files out, type by type; what is there already is not asked again.

A type is read whole by one plain search; or what changed since an earlier run, laid over that run's lines; or of some
patients by their ids.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from service import raw
from service.errors import LinkExpired, NotPermitted, Refused, WrongUsage
from service.pull.earlier import Earlier, Told
from service.pull.manifest import Manifest, Progress, Pulled
from service.pull.merge import merged
from service.pull.part import Part
from service.pull.sheet import Sheet
from service.pull.split import in_ranges
from service.pull.whom import one_with, say_they_are_one_with
from service.server.answers import server_date
from service.server.capability import Capability
from service.server.client import FhirServer
from service.server.search import Page, count, one_line, pages, pages_ahead

ROLE = "PractitionerRole"
IDS_A_SEARCH = 25
RESTARTS = 3
AT_ONCE = 200  # resources
TO_DISK = 32 * 1024 * 1024  # bytes
NOT_OFFERED = (400, 404, 405, 501)


@dataclass
class Reader:
    server: FhirServer
    part: Part
    manifest: Manifest
    earlier: Earlier | None
    capability: Capability
    progress: Progress

    async def patients(self, limit: int | None) -> list[str] | None:
        """All patients, or the ids of the first `limit`."""
        if limit is None:
            await self._everything("Patient")
            return None
        with Sheet(self.part, "Patient") as sheet:
            if sheet.done:
                self._told(sheet)
            else:
                await self._first(sheet, limit)
            return [head.id for head, _ in sheet.heads()]

    async def _first(self, sheet: Sheet, limit: int) -> None:
        sheet.again()
        self.manifest.types["Patient"] = sheet.pulled
        size = {"_count": str(min(limit, self.server.source.page_size))}
        async for page in pages(self.server, "Patient", size):
            await self._kept(sheet, page, limit=limit)
            if sheet.pulled.count >= limit:
                break
        self._ended(sheet)

    async def named(self, only: Sequence[str]) -> list[str]:
        """The patients with these ids, as far as they are there, and the other records of these persons: those that
        theirs name, and where the server can be searched by that, those that name theirs."""
        with Sheet(self.part, "Patient") as sheet:
            if not sheet.done:
                await self._one_with(sheet, list(only))
                self._ended(sheet)
            else:
                self._told(sheet)
            found = dict.fromkeys(head.id for head, _ in sheet.heads())
        for each in only:
            if each not in found:
                self._set_aside(f"Patient/{each}", "it was asked for, and is not on the server")
        return list(found)

    async def _one_with(self, sheet: Sheet, ids: list[str]) -> None:
        asked, searches = set[str](), 0
        while ids:
            await self._by_ids(sheet, "_id", ids, searches)
            searches += len(_parts(ids))
            asked |= {*ids}
            ids = sorted((one_with(self.server, self.part.ndjson("Patient")) | await self._naming(ids)) - asked)

    async def _naming(self, ids: Sequence[str]) -> set[str]:
        if "link" not in self.capability.of("Patient").parameters:
            return set()
        try:
            return {one for some in _parts(ids) for one in await say_they_are_one_with(self.server, some)}
        except (NotPermitted, Refused) as error:
            self.manifest.notes.append(f"records merged into these are read only where these say so: {error.what}")
            return set()

    async def opt_outs(self, group: str) -> None:
        """The Group of patients who are never profiled; without it nobody would know who they are, so all ends."""
        if not group:
            return
        answer = await self.server.read(f"Group/{group}")
        if answer is None:
            raise WrongUsage(
                "the opt-out group is not on the server",
                where=f"Group/{group}",
                do="correct opt_out_group in personalize.toml",
            )
        self.part.ndjson("Group").write_bytes(one_line(answer.body) + b"\n")
        self.manifest.types["Group"] = Pulled(1)

    async def roles(self, patients: list[str] | None) -> None:
        """Whose roles the visits name: all there are, or of some patients those that their visits name."""
        named = None if patients is None else _named_in(self.part.ndjson("Encounter"), ROLE)
        await self.type(ROLE, named, by="_id")

    async def type(self, resource_type: str, ids: list[str] | None, *, by: str = "patient") -> None:
        """One type whole, or what `ids` find `by` that parameter; a type that the server does not offer is unknown."""
        if not self.capability.states(resource_type):
            self._unknown(resource_type, f"the server's CapabilityStatement does not list {resource_type}")
            return
        try:
            if ids is None:
                await self._everything(resource_type)
            else:
                await self._of_some(resource_type, by, ids)
        except (NotPermitted, Refused) as error:
            if self.manifest.types[resource_type].count or error.status not in (403, *NOT_OFFERED):
                raise
            raw.without(self.part.ndjson(resource_type))
            self._unknown(resource_type, error.what)

    def _unknown(self, resource_type: str, why: str) -> None:
        self.manifest.types[resource_type] = Pulled(unknown=why)

    async def _of_some(self, resource_type: str, by: str, ids: Sequence[str]) -> None:
        with Sheet(self.part, resource_type) as sheet:
            if sheet.done:
                self._told(sheet)
                return
            self.manifest.types[resource_type] = sheet.pulled
            await self._by_ids(sheet, by, ids)
            self._ended(sheet)

    async def _by_ids(self, sheet: Sheet, by: str, ids: Sequence[str], first: int = 0) -> None:
        """`first`: of so many searches the sheet has heard before."""
        for number, some in enumerate(_parts(ids), first):
            await self._search(sheet, number, {by: ",".join(some)}, post=True)

    async def _everything(self, resource_type: str) -> None:
        """What changed since the run that is followed, where that tells it all; else every one."""
        with Sheet(self.part, resource_type) as sheet:
            if sheet.done:
                self._told(sheet)
                return
            self.manifest.types[resource_type] = sheet.pulled
            why = await self._changes(sheet) if sheet.fresh else ""
            if why is None:
                return
            if why:
                self.manifest.notes.append(f"{resource_type} was read whole: {why}")
            await self._whole(sheet)

    async def _whole(self, sheet: Sheet) -> None:
        await self._search(sheet, 0, {})
        stated = await self._count(sheet.type)
        if stated and self._short(sheet, stated):
            await in_ranges(self.server, sheet, self._page_size, stated)
            if self._short(sheet, stated):
                given = sheet.pulled.count
                sheet.warnings.append(f"the server counts {stated:,} and gave {given:,}: some may be missing")
        sheet.pulled.stated = stated
        await asyncio.to_thread(sheet.on_disk)
        self._ended(sheet)

    @staticmethod
    def _short(sheet: Sheet, stated: int) -> bool:
        return stated > sheet.settled().count + len(sheet.aside)

    async def _changes(self, sheet: Sheet) -> str | None:
        """Laid over the earlier lines; else why that cannot be, empty where nothing was to be followed."""
        if self.earlier is None:
            return ""
        told = self.earlier.told(sheet.type)
        if isinstance(told, str):
            return told
        with Sheet(self.part, sheet.type, f"{sheet.type}.new") as news:
            why = await self._news(news, told) or await self._laid_over(sheet, told, news)
            news.drop()
        if why:
            sheet.again()
            self.manifest.types[sheet.type] = sheet.pulled
        return why

    async def _news(self, news: Sheet, told: Told) -> str | None:
        overlap = self.server.source.overlap
        try:
            if not news.done:
                await self._search(news, 0, {"_lastUpdated": told.asks(overlap)})
        except (NotPermitted, Refused) as error:
            return f"it cannot be asked for what changed ({error.what})"
        news.settled()
        return "the server does not look at _lastUpdated" if told.ignored(news, overlap) else None

    async def _laid_over(self, sheet: Sheet, told: Told, news: Sheet) -> str | None:
        assert self.earlier is not None
        sheet.again()  # what an interrupted reading said of its own file is not said of the earlier run's
        pulled, mended = merged(told, news, sheet.path, self.earlier.own)
        pulled.stated = await self._count(sheet.type)
        if why := told.differs(pulled):
            return why
        sheet.finished(pulled, [*told.still_aside(mended), *news.aside], news.warnings)
        self._told(sheet)
        return None

    async def _search(self, sheet: Sheet, number: int, parameters: dict[str, str], *, post: bool = False) -> None:
        """Into the sheet, from where an interrupted one had come; begun again where a link is known no more."""
        if number < sheet.at.search:
            return
        following = sheet.at.next if sheet.at.search == number else None
        asked, restarts = {**parameters, **self._page_size}, 0
        while True:
            try:
                async with aclosing(pages_ahead(self.server, sheet.type, asked, post=post, at=following)) as read:
                    async for page in read:
                        await self._kept(sheet, page, number)
                return
            except LinkExpired:
                if restarts == RESTARTS:
                    raise
                restarts, following = restarts + 1, None

    @property
    def _page_size(self) -> dict[str, str]:
        return {"_count": str(self.server.source.page_size)}

    async def _kept(self, sheet: Sheet, page: Page, number: int = 0, limit: int | None = None) -> None:
        """In pieces: between them the request for the next page leaves, and answers are taken from the network."""
        asides, before = len(sheet.aside), sheet.pulled.count
        rest, most = page.raw, sys.maxsize if limit is None else limit
        while rest and (room := min(AT_ONCE, most - sheet.pulled.count)) > 0:  # what is unfit takes none
            sheet.keep(rest[:room])
            rest = rest[room:]
            await asyncio.sleep(0)
        date = server_date(page.answer)
        search, following = (number, page.next) if page.next else (number + 1, None)
        sheet.safe(search, following, date.isoformat() if date else None, asides, page.warnings)
        self.progress(f"pull {sheet.type}", sheet.pulled.count - before)
        if sheet.in_memory > TO_DISK:
            await asyncio.to_thread(sheet.on_disk)

    async def _count(self, resource_type: str) -> int | None:
        """None from a server that does not say."""
        try:
            return await count(self.server, resource_type, {})
        except (NotPermitted, Refused):
            return None

    def _ended(self, sheet: Sheet) -> None:
        pulled = sheet.settled()
        if not sheet.dated:
            pulled.undated = "its resources do not say when they were changed"
        elif pulled.since is None:
            pulled.undated = "the server does not tell the time"
        if pulled.undated or not self.manifest.whole:
            pulled.since = None
        sheet.indexed()
        sheet.finished(pulled)
        self._told(sheet)

    def _told(self, sheet: Sheet) -> None:
        """What a sheet says of itself, to the manifest."""
        self.manifest.types[sheet.type] = sheet.pulled
        for each in sheet.aside:
            self._set_aside(each.where, each.why)
        self.manifest.warnings += [f"{sheet.type}: {warning}" for warning in sheet.warnings]

    def _set_aside(self, where: str, why: str) -> None:
        self.manifest.set_aside.append({"where": where, "why": why})


def _parts(ids: Sequence[str]) -> list[Sequence[str]]:
    """As many of them as one search asks for."""
    return [ids[start : start + IDS_A_SEARCH] for start in range(0, len(ids), IDS_A_SEARCH)]


def _named_in(file: Path, resource_type: str) -> list[str]:
    """The ids of that type which references in an NDJSON file name; a type that is unknown has no file."""
    reference = re.compile(rb'[/"]%s/([A-Za-z0-9.-]+)["/|]' % resource_type.encode())
    if not file.is_file():
        return []
    with file.open("rb") as lines:
        return sorted({name.decode() for line in lines for name in reference.findall(line)})
