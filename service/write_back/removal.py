"""A panel whose patient is gone in, nothing of it left on the server out: its Provenances, then the panel itself.

Each is read, recorded with what stood there, and deleted under If-Match, so that an undo can put it back to the
letter. A server that takes no deletion keeps the panel as `entered-in-error`, which no reader of profiles counts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import msgspec

from service.catalog import Catalog, Write
from service.compose import Identity
from service.compose.canonical import INSTALLATION
from service.compose.content import fingerprint, parse
from service.errors import LostRace, NotFhir, NotPermitted, Refused, ServerBusy, ServerProblem, Unreachable
from service.server.client import FhirServer
from service.server.search import pages
from service.write_back.gone import ABSENT, DELETED
from service.write_back.patient import Fields
from service.write_back.plan_file import Line, Request
from service.write_back.requests import if_match
from service.write_back.standing import Standing, head, kind_of, read, version_in

WITHDRAWN = "entered-in-error"
NO_DELETE = (403, 405, 501)
PAGE = "100"


class Stays(Exception):
    """The panel is not, or not wholly, removed; the text says why."""


def panel_reference(line: Line, identity: Identity) -> str:
    """What says the level now: an Observation, or what stands in for it on a lower rung."""
    kind = kind_of(line.before.resource) if line.before else "Observation"
    return f"{kind}/{identity.standing_in(kind, line.patient)}"


async def removals(server: FhirServer, line: Line, identity: Identity) -> list[Request]:
    """What would be sent, in order: whatever refers to the panel goes before it."""
    panel = panel_reference(line, identity)
    found = [each async for each in _provenances(server, panel, identity.installation)]
    deletions = [*found, (panel, line.before.version if line.before else None)]
    return [Request("DELETE", reference, if_match(version)) for reference, version in deletions]


async def _provenances(server: FhirServer, panel: str, installation: str) -> AsyncIterator[tuple[str, str | None]]:
    """(Provenance/id, version) of those about the panel that bear our tag."""
    target = await server.their_name(panel)
    if target is None:
        return
    wanted = {"target": target, "_tag": f"{INSTALLATION}|{installation}", "_count": PAGE}
    async for page in pages(server, "Provenance", wanted):
        for body in map(server.named_by_us, page.resources):
            named = head(body)
            if named.bears(installation):
                yield f"Provenance/{named.id}", named.meta.versionId


@dataclass(frozen=True)
class Removal:
    """The removals of one run."""

    server: FhirServer
    catalog: Catalog
    run: str
    identity: Identity

    async def carry_out(self, line: Line) -> list[str]:
        """The types removed, one for each resource; Stays where anything speaks against it by now."""
        await self._still_gone(line)
        panel = panel_reference(line, self.identity)
        standing = await read(self.server, panel)
        if standing is None or standing.content.get("status") == WITHDRAWN:
            return []
        self._as_planned(line, standing)
        removed = [each async for each in self._without_provenances(line.patient, panel)]
        return [*removed, await self._panel(line.patient, panel, standing)]

    async def replaced(self, line: Line) -> list[str]:
        """The panel by another version of the algorithm, now that ours stands."""
        if line.replaced is None:
            return []
        named = head(bytes(line.replaced.resource)).id
        other = next(each for each in self.identity.others() if each.panel(line.patient) == named)
        removing = replace(self, identity=other)
        return await removing.carry_out(Line(line.patient, "remove", before=line.replaced))

    async def _still_gone(self, line: Line) -> None:
        if line.gone in (DELETED, ABSENT) and await read(self.server, line.patient):
            raise Stays("its Patient is there again: plan again")

    def _as_planned(self, line: Line, standing: Standing) -> None:
        if not head(standing.body).bears(self.identity.installation):
            raise Stays("the panel no longer bears our tag, so it is somebody's own by now")
        if standing.version is None:
            raise Stays("the server names no version of the panel, so a change in between could be lost")
        if line.before is None or standing.version != line.before.version:
            raise Stays("the panel was changed since the plan: plan again")

    async def _without_provenances(self, patient: str, panel: str) -> AsyncIterator[str]:
        found = [each async for each in _provenances(self.server, panel, self.identity.installation)]
        for reference, _ in found:
            standing = await read(self.server, reference)
            if standing and await self._deleted(patient, reference, standing):
                yield "Provenance"

    async def _panel(self, patient: str, panel: str, standing: Standing) -> str:
        if not await self._deleted(patient, panel, standing):
            await self._withdrawn(patient, panel, standing)
        return panel.partition("/")[0]

    async def _deleted(self, patient: str, reference: str, standing: Standing) -> bool:
        """False where this server takes no deletion."""
        key = self._intend(Write(self.run, patient, reference, "remove", standing.body, None))
        try:
            answer = await self.server.write("DELETE", reference, headers=if_match(standing.version))
        except (Refused, NotPermitted) as error:
            if error.status < 500 or error.status in NO_DELETE:
                return self._refused(key, error)
            return await self._unknown(key, reference, error)
        except (Unreachable, NotFhir, ServerBusy) as error:
            return await self._unknown(key, reference, error)
        self.catalog.settle([(key, "done", version_in(answer.etag))])
        return True

    def _refused(self, key: int, error: Refused | NotPermitted) -> bool:
        self.catalog.settle([(key, "failed", None)])
        if error.status in NO_DELETE:
            return False
        if isinstance(error, LostRace):
            raise Stays(f"something changed it or refers to it: {error.what}") from error
        raise Stays(error.what) from error

    async def _unknown(self, key: int, reference: str, error: ServerProblem) -> bool:
        """The answer was lost: what stands says what became of it."""
        if await read(self.server, reference) is None:
            self.catalog.settle([(key, "done", None)])
            return True
        self.catalog.settle([(key, "failed", None)])
        raise Stays(error.what) from error

    async def _withdrawn(self, patient: str, panel: str, standing: Standing) -> None:
        body = withdrawn(standing.body)
        left = fingerprint(parse(body)).encode()
        key = self._intend(Write(self.run, patient, panel, "remove", standing.body, left))
        try:
            answer = await self.server.write("PUT", panel, body, if_match(standing.version))
        except ServerProblem as error:
            now = await read(self.server, panel)
            if now is None or now.content.get("status") != WITHDRAWN:
                self.catalog.settle([(key, "failed", None)])
                raise Stays(f"the server takes no deletion, and {error.what}") from error
            self.catalog.settle([(key, "done", now.version)])
        else:
            self.catalog.settle([(key, "done", version_in(answer.etag))])

    def _intend(self, write: Write) -> int:
        return self.catalog.intend([write])[0]


def withdrawn(panel: bytes) -> bytes:
    """The panel with nothing but its status changed."""
    fields = msgspec.json.decode(panel, type=Fields)
    return msgspec.json.encode(fields | {"status": msgspec.Raw(msgspec.json.encode(WITHDRAWN))})
