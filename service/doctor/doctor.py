"""The order of an examination: what it is, how it is read, what it would take."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from service.catalog import Catalog
from service.doctor import paging, reading, stated
from service.doctor.findings import Examination, Finding
from service.errors import ServerProblem
from service.lake import Lake
from service.server.client import FhirServer, Metadata
from service.server.egress import rung
from service.settings import Source, WriteRung
from service.write_back.ladder import Rungs
from service.write_back.manner import Found

Check = Callable[[FhirServer, Metadata], Awaitable[Finding]]
READ: tuple[Check, ...] = (
    reading.access, paging.counts, paging.paging, reading.last_updated, reading.tags, reading.includes,
    reading.conditional, reading.clock,
)  # fmt: skip


async def examine(server: FhirServer, catalog: Catalog | None, *, asked: WriteRung | None = None) -> Examination:
    """Reads only. `catalog` tells what earlier writes found out. A server without a CapabilityStatement is an error."""
    metadata = await server.metadata()
    capability = metadata.capability
    told = Examination(server.source.id, server.base, capability.release, capability.software)
    told.findings = [stated.address(server), stated.version(metadata)]
    told.findings += [each async for each in _tried(server, metadata)]
    ceiling = rung(server.source, server.loopback, asked)
    out = Found(catalog, server.source.id, server.base).out() if catalog else {}
    rungs = Rungs(capability, out)
    told.rung = rungs.highest(ceiling)
    told.findings += [stated.bulk(metadata), stated.writes(metadata), stated.ladder(rungs, ceiling, told.rung)]
    return told


async def examined(
    source: Source, lake: Path, asked: WriteRung | None = None, *, shared: str | None = None
) -> Examination:
    """An earlier run's catalog tells what the server was found not to do: the `shared` one, else the lake's if any."""
    catalog = Lake(lake).catalog
    async with FhirServer(source) as server:
        if not (shared or catalog.is_file()):
            return await examine(server, None, asked=asked)
        with Catalog.open(catalog, shared) as known:
            return await examine(server, known, asked=asked)


async def _tried(server: FhirServer, metadata: Metadata) -> AsyncIterator[Finding]:
    """A check that fails is a finding, and the next goes on."""
    for check in READ:
        try:
            yield await check(server, metadata)
        except ServerProblem as error:
            about = check.__name__.replace("_", " ")
            yield Finding(about, error.where, error.what, change=error.do, verdict="bad")
