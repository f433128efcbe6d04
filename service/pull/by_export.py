"""An export in, a run's NDJSON files out: whole, or what changed since an earlier run laid over that run's lines.

What an export leaves out is found: a type that it gave nothing of and the server counts is read by search, what was
deleted is taken out, and new members of a Group come with their history, which `_since` alone would not bring.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import WrongUsage
from service.pull.brought import Brought
from service.pull.bulk import Export
from service.pull.earlier import Told
from service.pull.filters import Filters
from service.pull.heads import each_line
from service.pull.merge import merged
from service.pull.reader import Reader
from service.pull.sheet import Sheet
from service.pull.way import Way
from service.pull.whom import members
from service.server.bulk import Order

EMPTY = "empty"  # an earlier run holds none of the type: all that there is has come since


@dataclass
class ExportReader(Reader):
    """A Reader of which each type but those that no patient has comes by an export."""

    way: Way

    async def exported(self, types: Sequence[str]) -> None:
        """Every one of `types` that the server states; what changed alone where that can be told."""
        stated = [each for each in types if self.capability.states(each)]
        for each in sorted({*types} - {*stated}):
            self._unknown(each, f"the server's CapabilityStatement does not list {each}")
        if filters := self.server.source.bulk_filters:
            self.manifest.notes.append(f"exported is only what matches {', '.join(filters)}")
        newcomers = await self._newcomers()
        held = {each: self._held(each) for each in stated} if newcomers is not None else {}
        since = [each for each in stated if held.get(each) is not None]
        whole = [each for each in stated if held.get(each) is None]
        if since and newcomers is not None:
            whole += await self._since(since, held, newcomers)
        if whole:
            await self._whole_export([each for each in stated if each in whole])
        await self._left_out(stated)

    async def _newcomers(self) -> Sequence[str] | None:
        """The new Patients of the Group; None where an earlier run cannot be followed."""
        if self.earlier is None:
            return None
        if not self.way.of_a_group:
            return []
        try:
            now, _ = await members(self.server, str(self.way.level))
        except WrongUsage:
            now = []
        before = {head.id for head, _ in each_line(self.earlier.raw / "Patient.ndjson")}
        if not now or before - {*now}:
            self.manifest.notes.append(f"{self.way.level} was exported whole: some have left it, or nobody is listed")
            return None
        return [each for each in now if each not in before]

    def _held(self, resource_type: str) -> Told | str | None:
        """What may stand of an earlier run; None where the type has to come whole."""
        assert self.earlier is not None
        told = self.earlier.told(resource_type)
        if isinstance(told, Told):
            return told
        if told:
            self.manifest.notes.append(f"{resource_type} was exported whole: {told}")
        return EMPTY if not told and self.earlier.held_none(resource_type) else None

    async def _since(self, types: list[str], held: dict[str, Told | str | None], newcomers: Sequence[str]) -> list[str]:
        """Those of which it cannot be told what changed."""
        assert self.earlier is not None
        overlap = dt.timedelta(seconds=self.server.source.overlap)
        first = min(self.earlier.marks[each] for each in types).astimezone(dt.UTC) - overlap
        order = self._order(types, first.strftime("%Y-%m-%dT%H:%M:%SZ"))
        failed = []
        async with self._export(order) as export:
            brought = await export.brought()
            self._judge(brought)
            for each in types:
                with Sheet(self.part, each, f"{each}.new") as news:
                    if why := await self._changed(news, brought, held[each], newcomers):
                        failed.append(each)
                        self.manifest.notes.append(f"{each} was exported whole: {why}")
                    news.drop()
        return failed

    async def _changed(
        self, news: Sheet, brought: Brought, told: Told | str | None, newcomers: Sequence[str]
    ) -> str | None:
        assert self.earlier is not None
        with Sheet(self.part, news.type) as sheet:
            if sheet.done:  # by a pull that was killed afterwards
                self._told(sheet)
                return None
            news.again()
            brought.fill(news)
            await self._by_ids(news, "_id" if news.type == "Patient" else "patient", newcomers)
            news.settled()
            news.pulled.since = brought.begun
            sheet.again()
            if not isinstance(told, Told):
                for _, line in news.heads():
                    sheet.keep([line.rstrip(b"\n")])
                await self._done(sheet, brought)
                return None
            pulled, mended = merged(told, news, sheet.path, self.earlier.own, brought.gone(news.type))
            pulled.stated = await self._stated(news.type)
            if why := told.differs(pulled):
                return why
            if self.manifest.incomplete:
                pulled.since = told.since.isoformat()
            sheet.finished(pulled, [*told.still_aside(mended), *news.aside], news.warnings)
            self._told(sheet)
            return None

    async def _whole_export(self, types: list[str]) -> None:
        async with self._export(self._order(types)) as export:
            brought = await export.brought()
            self._judge(brought)
            for each in types:
                with Sheet(self.part, each) as sheet:
                    if sheet.done:  # by a pull that was killed afterwards
                        self._told(sheet)
                    else:
                        sheet.again()
                        brought.fill(sheet)
                        await self._done(sheet, brought)
                await export.done(each)

    async def _done(self, sheet: Sheet, brought: Brought) -> None:
        sheet.settled()
        sheet.pulled.since = brought.begun
        sheet.pulled.stated = await self._stated(sheet.type)
        if (sheet.pulled.stated or 0) > sheet.pulled.count + len(sheet.aside) > 0:
            sheet.warnings.append(
                f"the server counts {sheet.pulled.stated:,} and exported {sheet.pulled.count:,}: some may be missing"
            )
        self._ended(sheet)

    async def _left_out(self, types: list[str]) -> None:
        """A server may export fewer types than it states, and say nothing of it."""
        for each in types:
            pulled = self.manifest.types[each]
            if not pulled.count and pulled.stated:
                self.manifest.notes.append(
                    f"nothing of {each} was exported, and the server counts some: read by search"
                )
                self.part.state(each).unlink(missing_ok=True)
                await self.type(each, None)

    def _judge(self, brought: Brought) -> None:
        """What is missing must not pass for gone: such a pull is like one of some patients."""
        for said in brought.partial:
            self.manifest.set_aside.append({"where": "export", "why": f"the server could not export all: {said}"})
        self.manifest.incomplete = self.manifest.incomplete or bool(brought.partial)
        self.manifest.limited = self.manifest.limited or self.manifest.incomplete

    async def _stated(self, resource_type: str) -> int | None:
        """Neither a Group's members nor what a filter leaves are counted by a search for all."""
        uncounted = self.way.of_a_group or Filters.of(resource_type, self.server.source.bulk_filters).queries
        return None if uncounted else await self._count(resource_type)

    def _order(self, types: Sequence[str], since: str | None = None) -> Order:
        filters = tuple(each for each in self.server.source.bulk_filters if each.partition("?")[0] in types)
        return Order(str(self.way.level), tuple(types), since, filters)

    def _export(self, order: Order) -> Export:
        return Export(self.server, self.part, order, self.manifest.notes.append, self.progress)
