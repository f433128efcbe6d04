"""A FHIR server in, `raw/<source>/<run>/` out: one NDJSON file a type, and a manifest of what came and what did not.

Patients first, then one plain search a type: includes are cut short without a word (HAPI at 1,000 a page, Azure too).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from service.errors import NotPermitted, Refused, ServerProblem, WrongUsage
from service.lake import committed, write_json
from service.server.capability import Capability
from service.server.client import FhirServer, server_date
from service.server.crew import together
from service.server.search import Page, one_line, pages

READ_BY_PATIENT = ("Encounter", "Claim", "ExplanationOfBenefit", "ClaimResponse", "Condition")
ROLE = "PractitionerRole"
RELEASES = ("R4", "R4B")
UNCONFIGURED_PATIENTS = 50
IDS_A_SEARCH = 25
NOT_OFFERED = (400, 404, 405, 501)

Progress = Callable[[str, int], None]


@dataclass
class Pulled:
    """One type: how many lines, or why it is unknown. Unknown is never an empty file."""

    count: int = 0
    unknown: str | None = None


@dataclass
class Manifest:
    """What one pull brought; `limited` when not every patient of the server was asked for.

    `stated_base` is what the server calls its own address, where it says so: behind a proxy another than `base`.
    """

    source: str
    base: str
    stated_base: str
    fhir_version: str
    software: str
    server_date: str
    limited: bool
    types: dict[str, Pulled] = field(default_factory=dict)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class _Named(msgspec.Struct):
    resourceType: str
    id: str


class _Coding(msgspec.Struct):
    system: str = ""
    code: str = ""


class _Meta(msgspec.Struct):
    versionId: str = ""
    lastUpdated: str = ""
    tag: list[_Coding] = []
    security: list[_Coding] = []


class _Head(_Named):
    """What later stages rely on; a resource that lacks this shape would stop them in the middle."""

    meta: _Meta = msgspec.field(default_factory=_Meta)


_named = msgspec.json.Decoder(_Named)
_head = msgspec.json.Decoder(_Head)


async def pull(
    server: FhirServer,
    target: Path,
    *,
    limit: int | None = None,
    only: Sequence[str] | None = None,
    progress: Progress,
) -> Manifest:
    """Patients with their visits, claims, what payers said of them, and diagnoses, to NDJSON in `target`; all or none.

    `limit` is the most patients read: 50 when not given and the address is neither loopback nor configured. `only`
    are ids: then these are read, and nobody else.
    """
    limit = limit if limit is not None or server.loopback or server.source.configured else UNCONFIGURED_PATIENTS
    metadata = await server.metadata()
    _supported(metadata.capability, server.base)
    manifest = Manifest(
        source=server.source.id,
        base=server.base,
        stated_base=metadata.capability.base,
        fhir_version=metadata.capability.fhir_version,
        software=metadata.capability.software,
        server_date=(server_date(metadata.answer) or dt.datetime.now(dt.UTC)).isoformat(),
        limited=limit is not None or only is not None,
    )
    with committed(target) as part:
        reader = _Reader(server, part, manifest, progress)
        await reader.opt_outs(server.source.opt_out_group)
        patients = await reader.patients(limit) if only is None else await reader.named(only)
        await together(reader.type(each, patients, metadata.capability) for each in READ_BY_PATIENT)
        await reader.roles(patients, metadata.capability)
        write_json(part / "manifest.json", asdict(manifest))
    return manifest


@dataclass
class _Reader:
    server: FhirServer
    part: Path
    manifest: Manifest
    progress: Progress

    async def patients(self, limit: int | None) -> list[str] | None:
        """All patients, or the ids of the first `limit`."""
        count = self.server.source.page_size if limit is None else min(limit, self.server.source.page_size)
        pulled = self.manifest.types["Patient"] = Pulled()
        ids: list[str] = []
        with (self.part / "Patient.ndjson").open("wb") as file:
            async for page in pages(self.server, "Patient", {"_count": str(count)}):
                ids += self._keep(page, "Patient", pulled, file, limit)
                if limit is not None and pulled.count >= limit:
                    break
        return None if limit is None else ids

    async def named(self, only: Sequence[str]) -> list[str]:
        """The patients with these ids, as far as they are there."""
        pulled = self.manifest.types["Patient"] = Pulled()
        ids: list[str] = []
        with (self.part / "Patient.ndjson").open("wb") as file:
            async for page in self._pages("Patient", "_id", list(only)):
                ids += self._keep(page, "Patient", pulled, file)
        return ids

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
        (self.part / "Group.ndjson").write_bytes(one_line(answer.body) + b"\n")
        self.manifest.types["Group"] = Pulled(1)

    async def roles(self, patients: list[str] | None, capability: Capability) -> None:
        """Whose roles the visits name: all there are, or of some patients those that their visits name."""
        named = None if patients is None else _named_in(self.part / "Encounter.ndjson", ROLE)
        await self.type(ROLE, named, capability, by="_id")

    async def type(
        self, resource_type: str, ids: list[str] | None, capability: Capability, *, by: str = "patient"
    ) -> None:
        """One type whole, or what `ids` find `by` that parameter; a type that the server does not offer is unknown."""
        pulled = self.manifest.types[resource_type] = Pulled()
        file = self.part / f"{resource_type}.ndjson"
        if not capability.states(resource_type):
            pulled.unknown = f"the server's CapabilityStatement does not list {resource_type}"
            return
        try:
            with file.open("wb") as out:
                async for page in self._pages(resource_type, by, ids):
                    self._keep(page, resource_type, pulled, out)
        except (NotPermitted, Refused) as error:
            if pulled.count or error.status not in (403, *NOT_OFFERED):
                raise
            pulled.unknown = error.what
            file.unlink()

    async def _pages(self, resource_type: str, by: str, ids: list[str] | None) -> AsyncIterator[Page]:
        every = {"_count": str(self.server.source.page_size)}
        if ids is None:
            async for page in pages(self.server, resource_type, every):
                yield page
            return
        for start in range(0, len(ids), IDS_A_SEARCH):
            some = ",".join(ids[start : start + IDS_A_SEARCH])
            async for page in pages(self.server, resource_type, {by: some, **every}, post=True):
                yield page

    def _keep(
        self, page: Page, resource_type: str, pulled: Pulled, file: BinaryIO, limit: int | None = None
    ) -> list[str]:
        """The page's resources to the file, up to `limit` lines in all; what is none of the type is set aside."""
        ids = []
        for body in page.resources:
            if limit is not None and pulled.count >= limit:
                break
            if (head := self._checked(body, resource_type)) is None:
                continue
            file.write(body + b"\n")
            pulled.count += 1
            ids.append(head.id)
        self.manifest.warnings += [f"{resource_type}: {warning}" for warning in page.warnings]
        self.progress(f"pull {resource_type}", len(ids))
        return ids

    def _checked(self, body: bytes, resource_type: str) -> _Head | None:
        try:
            head = _head.decode(body)
        except msgspec.MsgspecError as error:
            self._set_aside(_where(body, resource_type), f"no FHIR resource: {error}")
            return None
        if head.resourceType == resource_type:
            return head
        self._set_aside(f"{head.resourceType}/{head.id}", f"came in a search for {resource_type}")
        return None

    def _set_aside(self, where: str, why: str) -> None:
        self.manifest.set_aside.append({"where": where, "why": why})


def _named_in(file: Path, resource_type: str) -> list[str]:
    """The ids of that type which references in an NDJSON file name; a type that is unknown has no file."""
    reference = re.compile(rb'[/"]%s/([A-Za-z0-9.-]{1,64})["/|]' % resource_type.encode())
    if not file.is_file():
        return []
    with file.open("rb") as lines:
        return sorted({name.decode() for line in lines for name in reference.findall(line)})


def _where(body: bytes, resource_type: str) -> str:
    try:
        named = _named.decode(body)
    except msgspec.MsgspecError:
        return f"{resource_type} search"
    return f"{named.resourceType}/{named.id}"


def _supported(capability: Capability, base: str) -> None:
    if capability.release not in RELEASES:
        raise ServerProblem(
            f"it speaks FHIR {capability.release} ({capability.fhir_version}); this version reads R4 and R4B",
            where=base,
            do="name the server's R4 endpoint if it has one",
        )
