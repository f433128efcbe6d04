"""A type of which a search gave fewer than the server counts in; the rest of it, by spans of `_lastUpdated`, out.

Some servers end a search after so many results without a word (public HAPI at 10,000, Medplum where its offset ends).
A span is halved until the server counts no more in it than it gave, and then read; spans are read side by side.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from service.errors import NotPermitted, PagingBroken, Refused
from service.pull.sheet import Sheet
from service.server.client import FhirServer
from service.server.crew import together
from service.server.search import count, pages

DAWN = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SHORTEST = dt.timedelta(seconds=1)


async def in_ranges(server: FhirServer, sheet: Sheet, page_size: Mapping[str, str], stated: int) -> None:
    """Adds to the sheet; what it holds already comes again and is told apart by its id afterwards."""
    ending = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
    sheet.more()
    try:
        await _Spans(server, sheet, page_size, most=max(sheet.pulled.count, 1)).read(DAWN, ending, stated)
    except (NotPermitted, Refused, PagingBroken) as error:
        sheet.warnings.append(f"it cannot be read in parts either: {error.what}")


@dataclass(frozen=True)
class _Spans:
    server: FhirServer
    sheet: Sheet
    page_size: Mapping[str, str]
    most: int

    async def read(self, begins: dt.datetime, ends: dt.datetime, number: int) -> None:
        if number > self.most and ends - begins > SHORTEST:
            middle = (begins + (ends - begins) / 2).replace(microsecond=0)
            halves = [(begins, middle), (middle, ends)]
            counts = [await self._count(*half) for half in halves]
            if sum(counts) >= number:
                await together(self.read(*half, n) for half, n in zip(halves, counts, strict=True) if n)
                return
        async for page in pages(self.server, self.sheet.type, {**_span(begins, ends), **self.page_size}):
            self.sheet.keep(page.raw)

    async def _count(self, begins: dt.datetime, ends: dt.datetime) -> int:
        return await count(self.server, self.sheet.type, _span(begins, ends)) or 0


def _span(begins: dt.datetime, ends: dt.datetime) -> dict[str, list[str]]:
    return {"_lastUpdated": [f"{edge}{moment:%Y-%m-%dT%H:%M:%S}Z" for edge, moment in (("ge", begins), ("lt", ends))]}
