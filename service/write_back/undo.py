"""A run in, the server as it was before it out: newest first, Patient, Provenance, Observation, and the Device last.

Only what still stands as the run left it is taken back. What somebody changed since is set aside, with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.catalog import STANDING, Catalog, Run, Write
from service.errors import LostRace, Refused, ServerProblem
from service.server.answers import Answer
from service.server.client import FhirServer
from service.server.crew import each
from service.server.egress import may_write
from service.write_back.assigned import known_by_our_names
from service.write_back.patient import Fields, bearing, decoded
from service.write_back.recover import recover, same_borne, same_server, stands, stands_as_left
from service.write_back.requests import if_match
from service.write_back.sending import unknown, version_of
from service.write_back.standing import Standing, head, read

TRIES = 5
NOBODY_ELSE = {"If-None-Match": "*"}
LATER = "changed since by another run or by hand: undo the later run first"


async def undo(run: Run, server: FhirServer, catalog: Catalog) -> dict[str, Any]:
    """Takes back what `run` wrote; a second time there is nothing left to do.

    Returns resources `undone` by type, those that were `already` as before the run, patients `set_aside`, and `kept`:
    the Device, while something still names it.
    """
    same_server(run, server)
    may_write(server.source, server.loopback, run.installation)
    server = known_by_our_names(server, catalog, run.installation)
    await recover(server, catalog, run.source)
    undoing = Undoing(run, server, catalog)
    await each(iter(catalog.patients(run.run)), undoing.patient, workers=server.in_flight)
    await undoing.device()
    return undoing.told()


class _SetAside(Exception):
    """This write stays; the text says why."""


@dataclass
class Undoing:
    run: Run
    server: FhirServer
    catalog: Catalog
    undone: Counter[str] = field(default_factory=Counter)
    already: Counter[str] = field(default_factory=Counter)
    set_aside: list[dict[str, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            "undone": dict(self.undone),
            "already": dict(self.already),
            "set_aside": self.set_aside,
            "kept": self.kept,
            "notes": [f"{count:,} {kind} were as before the run already" for kind, count in self.already.items()],
        }

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
        if writes and (named_by := self._named_by()):
            self.kept.append(f"the Device, which {named_by} still name: undo it again after those")
            return
        try:
            for write in reversed(writes):
                await self._take_back(write)
        except _SetAside as why:
            self.set_aside.append({"where": "Device", "why": str(why)})

    def _named_by(self) -> str:
        """Who keeps the Device where it is."""
        runs = self.catalog.runs_standing(self.run.source, self.run.base)
        others = [run for run in runs if run != self.run.run]
        own = ["the patients set aside"] if self.run.run in runs else []
        return ", ".join(own + others)

    async def _take_back(self, write: Write) -> None:
        self._is_the_last(write)
        try:
            restored = await self._restored(write)
        except LostRace as error:
            # Servers with referential integrity answer 409 when something still points at what is deleted.
            raise _SetAside(f"{_type(write)}: {error.what}; undo what was written later first") from error
        except ServerProblem as error:
            raise _SetAside(f"{_type(write)}: {error.what}") from error
        # What somebody else took back before us is a version of theirs.
        made = restored.version if restored.sent or _type(write) != "Patient" else None
        self.catalog.settle([(write.id, "undone", made)])
        (self.undone if restored.sent else self.already)[_type(write)] += 1

    def _is_the_last(self, write: Write) -> None:
        """A later run may have led back to what stood before this one, which is no reason to believe it undone."""
        about = self.catalog.about(self.run.source, self.run.base, write.resource)
        if any(each.id > write.id and each.run != write.run and each.state in STANDING for each in about):
            raise _SetAside(f"{_type(write)}: {LATER}")

    async def _restored(self, write: Write) -> Restored:
        """What else of a Patient changed since stays; a change to it in this very moment is met by reading again.

        So is a collision within the server: HAPI 8.8.0 calls one of its own threads another client (HAPI-0826).
        """
        for attempt in range(TRIES):
            standing = await read(self.server, write.resource)
            if _as_before(write, standing):
                return Restored(standing.version if standing else None, sent=False)
            try:
                return await self._sent(write, self._as_left(write, standing))
            except LostRace:
                if attempt == TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    def _as_left(self, write: Write, standing: Standing | None) -> Standing | None:
        """None where the run removed what stood before it."""
        if standing is None and not _removed(write):
            raise _SetAside(f"{_type(write)}: deleted since")
        if not stands_as_left(write, standing):
            raise _SetAside(f"{_type(write)}: {LATER}")
        if (
            standing
            and write.before is None
            and _type(write) != "Patient"
            and not head(standing.body).bears(self.run.installation)
        ):
            raise _SetAside(f"{_type(write)}: it no longer bears our tag, so it is somebody's own by now")
        return standing

    async def _sent(self, write: Write, standing: Standing | None) -> Restored:
        """Where the answer is lost, what stands is the answer."""
        try:
            answer = await self._send(write, standing)
        except ServerProblem as error:
            if not unknown(error):
                raise
            now = await read(self.server, write.resource)
            if not _as_before(write, now):
                raise
            return Restored(now.version if now else None, sent=True)
        deleted = write.before is None and _type(write) != "Patient"
        return Restored(None if deleted else version_of(answer), sent=True)

    async def _send(self, write: Write, standing: Standing | None) -> Answer:
        if standing is None:
            return await self.server.write("PUT", write.resource, as_sent(write.before or b""), NOBODY_ELSE)
        if _type(write) == "Patient":
            body = bearing(standing.body, decoded(write.before))
            return await self.server.write("PUT", write.resource, body, _if_match(standing))
        if write.before is None:
            return await self.server.write("DELETE", write.resource, headers=_if_match(standing))
        return await self.server.write("PUT", write.resource, as_sent(write.before), _if_match(standing))


@dataclass(frozen=True)
class Restored:
    """The version that stands afterwards, and whether it took a request to get there."""

    version: str | None
    sent: bool


def _removed(write: Write) -> bool:
    return write.after is None and _type(write) != "Patient"


def _as_before(write: Write, standing: Standing | None) -> bool:
    """Taken back already: by us, with the answer lost, or by somebody else. A Patient that is gone bears nothing."""
    if _type(write) == "Patient":
        return standing is None or same_borne(write.before, standing)
    if write.before is None:
        return standing is None
    return stands(write.before, standing)


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
    return if_match(standing.version)


def _type(write: Write) -> str:
    return write.resource.partition("/")[0]
