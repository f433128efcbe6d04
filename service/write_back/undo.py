"""A run in, the server as it was before it out: newest first, Patient, Provenance, Observation, and the Device last.

Only what still stands as the run left it is taken back. What somebody changed since is set aside, with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.catalog import Catalog, Run, Write
from service.errors import LostRace, Refused, ServerProblem
from service.server.client import Answer, FhirServer
from service.server.crew import each
from service.server.egress import may_write
from service.write_back.patient import Fields, bearing, decoded
from service.write_back.recover import recover, same_borne, stands_as_left
from service.write_back.standing import Standing, head, read, version_in

TRIES = 5
LATER = "changed since by another run or by hand: undo the later run first"


async def undo(run: Run, server: FhirServer, catalog: Catalog) -> dict[str, Any]:
    """Takes back what `run` wrote; a second time there is nothing left to do.

    Returns resources `undone` by type, patients `set_aside`, and `kept`: the Device, while other runs stand on it.
    """
    may_write(server.source, server.loopback, run.installation)
    await recover(server, catalog, run.source)
    undoing = Undoing(run, server, catalog)
    await each(iter(catalog.patients(run.run)), undoing.patient, workers=server.in_flight)
    await undoing.device()
    return {"undone": dict(undoing.undone), "set_aside": undoing.set_aside, "kept": undoing.kept}


class _SetAside(Exception):
    """This write stays; the text says why."""


@dataclass
class Undoing:
    run: Run
    server: FhirServer
    catalog: Catalog
    undone: Counter[str] = field(default_factory=Counter)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    async def patient(self, patient: str) -> None:
        """Newest first is also the order in which nothing refers to what is deleted. The first that stays ends it."""
        try:
            for write in reversed(self.catalog.writes(self.run.run, patient)):
                await self._take_back(write)
        except _SetAside as why:
            self.set_aside.append({"where": patient, "why": str(why)})

    async def device(self) -> None:
        """It goes when no run has anything left that names it."""
        writes = self.catalog.writes(self.run.run, None)
        standing = [run for run in self.catalog.runs_standing(self.run.source) if writes]
        if standing:
            self.kept.append(f"the Device, which {', '.join(standing)} still name: undo it again after those")
            return
        try:
            for write in reversed(writes):
                await self._take_back(write)
        except _SetAside as why:
            self.set_aside.append({"where": "Device", "why": str(why)})

    async def _take_back(self, write: Write) -> None:
        try:
            version = await self._restored(write)
        except LostRace as error:
            # Servers with referential integrity answer 409 when something still points at what is deleted.
            raise _SetAside(f"{_type(write)}: {error.what}; undo what was written later first") from error
        except ServerProblem as error:
            raise _SetAside(f"{_type(write)}: {error.what}") from error
        self.catalog.settle([(write.id, "undone", version)])
        self.undone[_type(write)] += 1

    async def _restored(self, write: Write) -> str | None:
        """The version that stands afterwards."""
        if _type(write) == "Patient":
            return await self._patient_restored(write)
        standing = await read(self.server, write.resource)
        if standing is None:
            if write.before is None:
                return None
            raise _SetAside(f"{_type(write)}: deleted since")
        if not stands_as_left(write, standing):
            raise _SetAside(f"{_type(write)}: {LATER}")
        if write.before is None:
            await self._deleted(write, standing)
            return None
        body = as_sent(write.before)
        return _version(await self.server.write("PUT", write.resource, body, _if_match(standing)))

    async def _deleted(self, write: Write, standing: Standing) -> None:
        if not head(standing.body).bears(self.run.installation):
            raise _SetAside(f"{_type(write)}: it no longer bears our tag, so it is somebody's own by now")
        await self.server.write("DELETE", write.resource, headers=_if_match(standing))

    async def _patient_restored(self, write: Write) -> str | None:
        """Whatever else of the Patient changed since stays; a change in this very moment is met by reading again."""
        for attempt in range(TRIES):
            standing = await read(self.server, write.resource)
            if standing is None:
                return None
            if same_borne(write.before, standing):
                return standing.version
            if not same_borne(write.after, standing):
                raise _SetAside(f"Patient: {LATER}")
            body = bearing(standing.body, decoded(write.before))
            try:
                return _version(await self.server.write("PUT", write.resource, body, _if_match(standing)))
            except LostRace:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")


def as_sent(body: bytes) -> bytes:
    """A resource of ours as a server held it, fit to be sent: without what the server adds to meta by itself.

    HAPI 8.8.0 gives meta.source back with #<request id> added.
    """
    fields = msgspec.json.decode(body, type=Fields)
    meta: dict[str, Any] = msgspec.json.decode(fields.get("meta", msgspec.Raw(b"{}")))
    kept = {key: value for key, value in meta.items() if key not in ("versionId", "lastUpdated")}
    if "source" in kept:
        kept["source"] = str(kept["source"]).partition("#")[0]
    return msgspec.json.encode(fields | {"meta": msgspec.Raw(msgspec.json.encode(kept))})


def _if_match(standing: Standing) -> dict[str, str]:
    if standing.version is None:
        raise Refused("the server names no version of it, so a change in between could be lost")
    return {"If-Match": f'W/"{standing.version}"'}


def _version(answer: Answer) -> str | None:
    return version_in(answer.etag) or (head(answer.body).meta.versionId if answer.body else None)


def _type(write: Write) -> str:
    return write.resource.partition("/")[0]
