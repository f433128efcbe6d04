"""One patient of one source in, nothing of them out: not on the server (of ours), in the lake, the catalog, the cache.

The person's own record on the server stays, for it is not ours, and so the next run reads it again: who is never to be
profiled belongs in the opt-out group.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service import settings, write_back
from service.compose import Identity
from service.forget import Forgetting, records
from service.report.explain import patient_key
from service.server.client import FhirServer
from service.work import Work


@dataclass
class Erasure:
    """What was taken out where, what is left and why, and what only the server's history still holds."""

    patients: list[str]
    server: Counter[str] = field(default_factory=Counter)
    lake: Counter[str] = field(default_factory=Counter)
    cache: int = 0
    left: dict[str, str] = field(default_factory=dict)
    history: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        left = [{"where": where, "why": why} for where, why in self.left.items()]
        return {**vars(self), "left": left}

    def lines(self) -> Iterator[str]:
        yield f"erased   {', '.join(self.patients)}"
        yield f"server   {_counts(self.server) or 'nothing of ours was found'}"
        yield f"lake     {_counts(self.lake) or 'nothing was found'}"
        yield f"cache    {self.cache} keys"
        yield from (f"left     {where}: {why}" for where, why in self.left.items())
        if not self.left:
            yield "searched again: no resource of ours, no file and no row names them"
        if self.history:
            versions = sum(self.history.values())
            yield (
                f"history  the server still holds {versions:,} earlier versions under _history of "
                f"{len(self.history)} resources; only its owner can expunge them"
            )
        yield "note     their own record on the server is not ours: the next run reads it, unless they are opted out"


def erase(work: Work, patient: str) -> Erasure:
    """Everything about one person: also the records that were merged into theirs, as far as a pull saw them."""
    people = records(work.lake, work.source, patient_key(patient))
    erasure = Erasure(sorted(people))
    for each in erasure.patients:
        _from_server(work, each, erasure)
    _from_lake(work, people, erasure)
    if url := settings.load().redis():
        ids = [each.removeprefix("Patient/") for each in erasure.patients]
        from service.jobs import cache  # brings the client of Redis along, which few need

        erasure.cache = sum(cache.forget(url, work.source.id, each) for each in ids)
    return erasure


def _from_server(work: Work, patient: str, erasure: Erasure) -> None:
    identity = Identity.of(work.run.installation, work.source.id)

    async def session() -> write_back.Erased:
        async with FhirServer(work.source) as server:
            return await write_back.erase(server, work.catalog, identity, patient)

    told = asyncio.run(session())
    erasure.server += told.erased
    erasure.left |= told.left
    erasure.history |= told.history


def _from_lake(work: Work, people: frozenset[str], erasure: Erasure) -> None:
    forgetting = Forgetting(work.lake, work.source.id, people)
    work.catalog.read_whole_again(work.source.id)
    erasure.lake = forgetting.from_lake() + forgetting.from_catalog(work.catalog)
    for where in forgetting.still_named(work.catalog):
        erasure.left[where] = "it still names them"


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items()))
