"""Composed profiles and what stands on the server in, a plan file out: what would be written, and why. Reads only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from service.catalog import Catalog, Run
from service.compose import Edition, compose, device, read_edition
from service.compose.content import Json, encode, same
from service.compose.device import version_of
from service.compose.release import R4
from service.compose.unmoved import begin, unmoved
from service.engine import Engine
from service.lake import Lake, committed_file, read_json
from service.reviews import Reviewing
from service.server.capability import Capability
from service.server.client import FhirServer
from service.settings import WriteRung
from service.write_back.assigned import by_our_names
from service.write_back.gone import Evidence, incomplete
from service.write_back.ladder import STANDS_IN, WRITES, Rungs
from service.write_back.limits import beyond
from service.write_back.manner import Found, Manner
from service.write_back.meant import Acknowledged, Meaning
from service.write_back.plan_file import Before, DevicePlan, Header, digest_of, writing
from service.write_back.planner import Planner
from service.write_back.recover import recover, same_server
from service.write_back.remembered import Remembered, algorithm
from service.write_back.requests import Requests
from service.write_back.standing import Lines, Standing, read
from service.write_back.stood import Panels, standing_panels
from service.write_back.succession import Succession

NOTHING_ASKED = "--write none: nothing was compared with the server, and nothing would be written"


async def plan(
    server: FhirServer,
    lake: Lake,
    run: Run,
    catalog: Catalog,
    *,
    rung: WriteRung,
    recorded: dt.datetime,
    full: bool = False,
    engine: Engine | None = None,
) -> dict[str, Any]:
    """The plan of this run's profiles, at `lake.plan(...)`; the catalog keeps its digest.

    Returns `counts` of panels by action, `patients` whose Patient would be changed, `held` that are shown but left
    alone, the first lines in words as `listed`, and `notes`. On the rung `none` the server is asked nothing. What
    stands is read as far as it changed since the last reading, or with `full` all of it. Profiles are composed on the
    executors of `engine`, where it has some.
    """
    same_server(run, server)
    profiles = lake.profiles(run.source, run.run)
    spoken = str(read_json(lake.raw(run.source, run.run) / "manifest.json", "pull").get("fhir_version") or R4)
    edition = read_edition(
        profiles, source_id=run.source, installation=run.installation, recorded=recorded, fhir_version=spoken
    )
    planning = _Planning(server, lake, run, catalog, edition, profiles, rung, engine)
    told = planning.nothing(NOTHING_ASKED) if rung == "none" else await planning.as_taken(full)
    catalog.planned(run.run, digest_of(planning.target))
    return {**told, "notes": [*told["notes"], *_interrupted(catalog, run)]}


@dataclass(frozen=True)
class _Planning:
    """What one plan is made of."""

    server: FhirServer
    lake: Lake
    run: Run
    catalog: Catalog
    edition: Edition
    profiles: Path
    rung: WriteRung
    engine: Engine | None = None

    @property
    def target(self) -> Path:
        return self.lake.plan(self.run.source, self.run.run)

    def nothing(self, why: str) -> dict[str, Any]:
        header = _header(self.run, "none", self.edition, None)
        with committed_file(self.target) as part, writing(part, header):
            return _told(header, [], [why])

    async def as_taken(self, full: bool) -> dict[str, Any]:
        """On the rung that this server takes, as far as its statement and what was found out tell; by our names."""
        capability = (await self.server.stated()).capability
        found = Found(self.catalog, self.run.source, self.run.base)
        rungs = Rungs(capability, found.out())
        if (chosen := rungs.highest(self.rung)) == "none":
            return self.nothing("; ".join(rungs.notes(self.rung)))
        server = await self._by_our_names(capability, Manner.of(capability, found).assigns_ids)
        told = await replace(self, server=server, rung=chosen).compared(full, capability)
        return {**told, "notes": [*rungs.notes(self.rung), *told["notes"]]}

    async def _by_our_names(self, capability: Capability, gives_ids: bool) -> FhirServer:
        """A server that gives ids is known by its statement, by what was found out, or by how our Device stands."""
        device = f"Device/{self.edition.identity.device}"
        named = by_our_names(self.server, self.catalog, self.run.installation, capability)
        if gives_ids:
            await named.read(device)
            return named
        if not capability.takes("Device", *WRITES) or await read(self.server, device):
            return self.server
        if await named.read(device) is None:
            return self.server
        Found(self.catalog, self.run.source, self.run.base).gives_ids()
        return named

    async def compared(self, full: bool, capability: Capability) -> dict[str, Any]:
        """With what stands on the server; `full` reads all of it."""
        await recover(self.server, self.catalog, self.run.source)
        kind = STANDS_IN[self.rung]
        named = (self.run.source, "" if kind == "Observation" else kind)
        kept, meant = self.lake.standing(*named), self.lake.meant(*named)
        with Lines.open(self.lake.raw(self.run.source, self.run.run) / "Patient.ndjson") as patients:
            patients.reads_as = self.server.named_by_us
            evidence = _evidence(self.server, patients, self.lake, self.run)
            only = patients if evidence.limited else None
            own = Acknowledged(self.catalog, meant)
            async with standing_panels(
                self.server, self.run.installation, kept, only, full=full, own=own, resource_type=kind
            ) as found:
                with _meaning(meant, self.run.run, evidence) as meaning:
                    requests = Requests(capability)
                    return await self._lines(found, patients, evidence, requests, meaning, full=full)

    async def _lines(
        self,
        found: Panels,
        patients: Lines,
        evidence: Evidence,
        requests: Requests,
        meaning: Meaning | None,
        *,
        full: bool,
    ) -> dict[str, Any]:
        header = await self._header()
        remembered = Remembered(self.catalog, self.run.source, self.run.base)
        with committed_file(self.target) as part, writing(part, header) as file:
            succession = Succession(self.edition.identity, found, self.server.source.algorithm)
            planner = Planner(
                self.edition, self.rung, found, patients, remembered, file, requests, evidence, succession
            )
            planner.meaning = meaning
            await self._compared(planner, full)
        return _told(header, planner.listed, [*planner.notes(), *_too_much(header, self.server)])

    async def _compared(self, planner: Planner, full: bool) -> None:
        """Where a profile's row alone says what is composed of it, those that have not moved are not composed again."""
        reviewing, succession = self._reviewing(), planner.succession
        chosen = self.server.source.algorithm is not None or succession.on_trial
        if planner.standing.resource_type != "Observation" or planner.evidence.limited or chosen or not reviewing.idle:
            await planner.all(compose(self.profiles, self.edition, reviewing, engine=self.engine))
            return
        kept = self.lake.composed(self.run.source)
        with committed_file(kept) as part, part.open("wb") as planner.kept:
            begin(planner.kept, self.profiles, self.edition)
            if not full:
                planner.unmoved(unmoved(kept, self.profiles, self.edition))
            planner.kept.flush()
            await planner.all(compose(self.profiles, self.edition, but=part, engine=self.engine))

    def _reviewing(self) -> Reviewing:
        """Asked anew by each plan: what a person decides counts from the next one on."""
        source = self.server.source
        return Reviewing.of(self.catalog, source.id, source.review, self.edition.as_of.date())

    async def _header(self) -> Header:
        stands = await read(self.server, f"Device/{self.edition.identity.device}")
        return _header(self.run, self.rung, self.edition, stands)


@contextmanager
def _meaning(meant: Path, run: str, evidence: Evidence) -> Iterator[Meaning | None]:
    """What would be written, where it is about everybody; else what is kept stays as it is."""
    if evidence.limited:
        yield None
        return
    with committed_file(meant) as part, part.open("wb") as file:
        yield Meaning(file, run)


def _told(header: Header, listed: list[str], notes: list[str]) -> dict[str, Any]:
    counted = {"counts": header.counts, "patients": header.patients, "held": header.held}
    return {**counted, "listed": listed, "notes": notes}


def _evidence(server: FhirServer, patients: Lines, lake: Lake, run: Run) -> Evidence:
    manifest = read_json(lake.raw(run.source, run.run) / "manifest.json", "pull")
    about: dict[str, Any] = read_json(lake.profiles(run.source, run.run) / "profiles.json", "derive")
    return Evidence(
        server,
        patients,
        opted_out=frozenset(about.get("opted_out", ())),
        merged=about.get("merged", {}),
        incomplete=incomplete(manifest, len(patients)),
        limited=bool(manifest.get("limited")),
    )


def _too_much(header: Header, server: FhirServer) -> Iterator[str]:
    """What apply would refuse is said while it can still be looked at."""
    for each in beyond(header, server.source):
        yield f"apply will refuse this: {each.what}; {each.allowed_by} allows it"


def _header(run: Run, rung: WriteRung, edition: Edition, stands: Standing | None) -> Header:
    return Header(
        run=run.run,
        source=run.source,
        base=run.base,
        installation=run.installation,
        as_of=edition.as_of.isoformat(),
        rung=rung,
        device=_device(device(edition), stands),
    )


def _device(wanted: Json, stands: Standing | None) -> DevicePlan:
    body = msgspec.Raw(encode(wanted))
    if stands is None:
        return DevicePlan(body, "create")
    before = Before(stands.version, msgspec.Raw(stands.body))
    done = same(stands.content, wanted) or _newer(stands.content, wanted)
    return DevicePlan(body, "unchanged" if done else "update", before)


def _newer(stands: Json, wanted: Json) -> bool:
    """A newer version of the service has been here: an older one that still runs does not replace its Device."""
    return algorithm(version_of(stands)) > algorithm(version_of(wanted))


def _interrupted(catalog: Catalog, run: Run) -> Iterator[str]:
    for name in catalog.interrupted(run.source):
        if name != run.run:
            count = len(catalog.patients(name))
            yield f"run {name} was interrupted after {count:,} patients: undo it with `personalize undo {name}`"
