"""A server in, the definitions of the standard on it out; or a directory in, and all that is published in it out.

A server that knows the search parameters finds cohorts, and one that knows the profiles validates them. Nothing here is
about a patient, yet definitions rule a whole server: so they go only to this machine, or where its owner says
`admin = true`.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from importlib.resources import as_file
from pathlib import Path
from typing import Any, Literal

from fhir_profiles import FOLDERS, artefacts, folder
from service.compose.content import Json, encode, parse
from service.errors import Refused, WriteRefused, WrongUsage
from service.server.client import FhirServer
from service.server.search import pages
from service.settings import Source
from service.write_back.standing import Standing, head, read

Action = Literal["create", "update", "unchanged", "refused"]
# A server keeps these itself; a snapshot is made by some from the differential.
ITS_OWN = frozenset({"meta", "text", "snapshot"})


@dataclass(frozen=True)
class Step:
    """What is to be done, or was done, about one definition; `why` where it was not."""

    definition: str
    action: Action
    why: str = ""

    def line(self) -> str:
        return f"{self.action:<9} {self.definition}" + (f": {self.why}" if self.why else "")


@dataclass
class Installed:
    """`applied` tells whether the steps were done or only would be."""

    base: str
    release: str
    applied: bool
    steps: list[Step] = field(default_factory=list)

    @property
    def partial(self) -> bool:
        return any(step.action == "refused" for step in self.steps)

    def count(self, action: Action) -> int:
        return sum(step.action == action for step in self.steps)

    def document(self) -> dict[str, Any]:
        steps = [{"definition": each.definition, "action": each.action, "why": each.why} for each in self.steps]
        return {"server": self.base, "release": self.release, "applied": self.applied, "definitions": steps}

    def lines(self) -> Iterator[str]:
        yield from (step.line() for step in self.steps if step.action != "unchanged")
        counted = ", ".join(f"{self.count(each)} {each}" for each in ("create", "update", "unchanged", "refused"))
        yield f"{self.base} (FHIR {self.release}): {counted}"
        if not self.applied and self.count("create") + self.count("update"):
            yield "Nothing was written: --apply does that."


async def install(source: Source, *, apply: bool) -> Installed:
    """The definitions for the release that the server speaks, by PUT under their ids, as far as they differ."""
    async with FhirServer(source) as server:
        may_define(source, server.loopback)
        capability = (await server.metadata()).capability
        told = Installed(server.base, capability.release, apply)
        async for step in _steps(server, FOLDERS[capability.release], apply):
            told.steps.append(step)
        return told


def may_define(source: Source, loopback: bool) -> None:
    if loopback or (source.configured and source.admin):
        return
    raise WriteRefused(
        "definitions change how a whole server searches and validates, and its owner has not allowed that",
        where=source.url,
        do="set admin = true under that source in personalize.toml, or give its owner what `profiles export` writes",
    )


async def _steps(server: FhirServer, version: str, apply: bool) -> AsyncIterator[Step]:
    """In an order in which a server that checks references takes them."""
    for definition in artefacts(version):
        reference = f"{definition['resourceType']}/{definition['id']}"
        try:
            yield await _step(server, reference, definition, apply)
        except Refused as refused:
            yield Step(reference, "refused", refused.what)


async def _step(server: FhirServer, reference: str, definition: Json, apply: bool) -> Step:
    standing = await read(server, reference) or await _found(server, definition)
    if standing and standing.content.get("url") != definition["url"]:
        return Step(reference, "refused", "a definition of somebody else has this id")
    if standing and _same(standing, definition):
        return Step(reference, "unchanged")
    if apply:
        match = {"If-Match": f'W/"{standing.version}"'} if standing and standing.version else {}
        await server.write("PUT", reference, encode(definition), match)
    return Step(reference, "update" if standing else "create")


async def _found(server: FhirServer, definition: Json) -> Standing | None:
    """By its url: HAPI 8.8.0 reads an OperationDefinition from among its own operations alone."""
    try:
        async for page in pages(server, definition["resourceType"], {"url": definition["url"]}):
            for each in (Standing(head(body).meta.versionId, body) for body in page.resources):
                if each.content["id"] == definition["id"]:
                    return each
    except Refused:
        return None  # it searches none of these, so what it read is the answer
    return None


def _same(standing: Standing, definition: Json) -> bool:
    return _content(standing.content) == _content(parse(encode(definition)))


def _content(definition: Json) -> Json:
    return {name: value for name, value in definition.items() if name not in ITS_OWN}


def export(target: Path) -> list[Path]:
    """For each version a folder: the definitions, examples/, and package.tgz, which servers and validators load."""
    made = []
    for version in dict.fromkeys(FOLDERS.values()):
        place = target / version
        if place.exists():
            raise WrongUsage("it is there already", where=str(place), do="name another directory")
        with as_file(folder(version)) as published:
            shutil.copytree(published, place)
        made.append(place)
    return made
