"""A patient in, nothing of ours about them on the server out: looked for by search, by name, and by what we remember.

What refers to others goes first: the Patient's extension, Provenance, then the rest. Only what bears the tag of this
installation is deleted. A server's own history is not ours to erase: how much of it there is, is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from service.catalog import Catalog
from service.compose import Identity
from service.compose.canonical import INSTALLATION, PROFILE_IDENTIFIER
from service.errors import LostRace, NotFhir, Refused, ServerProblem
from service.server.client import FhirServer
from service.server.egress import may_write
from service.server.search import pages
from service.tables import names, runs, written
from service.write_back.patient import bearing, borne, panel_of
from service.write_back.recover import recover
from service.write_back.requests import if_match
from service.write_back.sending import unknown
from service.write_back.standing import head, read

ABOUT_A_PATIENT = ("Observation", "Flag", "DocumentReference")
NOT_OFFERED = (400, 404, 405, 501)
TRIES = 5
PAGE = "100"


@dataclass
class Erased:
    """Resources `erased` by type, what is `left` and why, and how many versions a server's `history` still holds."""

    erased: Counter[str] = field(default_factory=Counter)
    left: dict[str, str] = field(default_factory=dict)
    history: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        left = [{"where": where, "why": why} for where, why in self.left.items()]
        return {"erased": dict(self.erased), "left": left, "history": self.history}


async def erase(server: FhirServer, catalog: Catalog, identity: Identity, patient: str) -> Erased:
    """`patient` is `Patient/id`. A second time there is nothing left. WriteRefused: not an address to write to."""
    may_write(server.source, server.loopback, identity.installation)
    await recover(server, catalog, identity.source)
    erasing = _Erasing(server, identity, patient)
    found = await erasing.found(_remembered(catalog, identity.source, patient))
    await erasing.take_off(found)
    for reference in found:
        await erasing.delete(reference)
    await erasing.prove(found)
    return erasing.told


def _remembered(catalog: Catalog, source: str, patient: str) -> list[str]:
    """What any run wrote about the patient, by our name and, where a server gave its own, by that."""
    of_source = sa.select(runs.c.run).where(runs.c.source == source)
    about = sa.select(written.c.resource).where(written.c.patient == patient, written.c.run.in_(of_source)).distinct()
    with catalog.engine.connect() as tx:
        ours = set(tx.execute(about).scalars())
        renamed = sa.select(names.c.theirs).where(names.c.source == source, names.c.ours.in_(ours))
        ours |= set(tx.execute(renamed).scalars())
    return sorted(each for each in ours if not each.startswith("Patient/"))


class _Erasing:
    def __init__(self, server: FhirServer, identity: Identity, patient: str) -> None:
        self._server, self._identity, self._patient = server, identity, patient
        self.told = Erased()

    async def found(self, remembered: Iterable[str]) -> list[str]:
        """All of ours that stands or may stand, Provenances first."""
        panel = f"Observation/{self._identity.panel(self._patient)}"
        about = dict.fromkeys([each async for each in self._about()] + [panel, *remembered])
        sources = [each for each in about if not each.startswith("Provenance/")]
        provenances = dict.fromkeys(each for each in about if each.startswith("Provenance/"))
        for target in sources:
            async for each in self._search("Provenance", {"target": target}):
                provenances[each] = None
        return [*provenances, *sources]

    async def _about(self) -> AsyncIterator[str]:
        for kind in ABOUT_A_PATIENT:
            async for each in self._search(kind, {"patient": self._patient.removeprefix("Patient/")}):
                yield each
        wanted = {"identifier": f"{PROFILE_IDENTIFIER}|{self._identity.panel(self._patient)}"}
        async for each in self._search("Observation", wanted):
            yield each

    async def _search(self, kind: str, wanted: dict[str, str]) -> AsyncIterator[str]:
        """Of ours alone; a server without that search has nothing that it could find."""
        tagged = {**wanted, "_tag": f"{INSTALLATION}|{self._identity.installation}", "_count": PAGE}
        try:
            async for page in pages(self._server, kind, tagged, post=True):
                for one in map(head, page.resources):
                    if one.bears(self._identity.installation):
                        yield f"{kind}/{one.id}"
        except Refused as error:
            if error.status not in NOT_OFFERED:
                raise

    async def take_off(self, found: list[str]) -> None:
        """The Patient without our extension; one of another installation stays."""
        ours = {each.partition("/")[2] for each in found}
        for _ in range(TRIES):
            standing = await read(self._server, self._patient)
            present = borne(standing.body) if standing else None
            if standing is None or present is None:
                return
            if (panel := panel_of(present.content)) and panel not in ours:
                return
            if await self._sent("PUT", self._patient, standing.version, bearing(standing.body, None)):
                return

    async def delete(self, reference: str) -> None:
        for _ in range(TRIES):
            standing = await read(self._server, reference)
            if standing is None:
                return
            if not head(standing.body).bears(self._identity.installation):
                self.told.left[reference] = "it does not bear our tag, so it is somebody's own by now"
                return
            if await self._sent("DELETE", reference, standing.version):
                return

    async def _sent(self, method: str, reference: str, version: str | None, body: bytes = b"") -> bool:
        """False where reading again may help: somebody was faster, or the answer was lost."""
        self.told.left.pop(reference, None)
        try:
            await self._server.write(method, reference, body, if_match(version))
        except ServerProblem as error:
            self.told.left[reference] = error.what
            return not (isinstance(error, LostRace) or unknown(error))
        self.told.erased[reference.partition("/")[0]] += 1
        return True

    async def prove(self, found: list[str]) -> None:
        """By reading each, by searching again, and by asking how much the history holds."""
        for reference in dict.fromkeys([*found, *[each async for each in self._about()]]):
            if await read(self._server, reference) is None:
                self.told.left.pop(reference, None)
            else:
                self.told.left.setdefault(reference, "it still stands")
        for reference in [*found, self._patient]:
            if versions := await self._versions(reference):
                self.told.history[reference] = versions

    async def _versions(self, reference: str) -> int:
        """Versions with our content that its history still holds."""
        try:
            answer = await self._server.get(f"{self._server.base}/{reference}/_history?_count={PAGE}")
        except (Refused, NotFhir):
            return 0
        kept = [bytes(each.resource) for each in msgspec.json.decode(answer.body, type=_History).entry if each.resource]
        return sum(1 for body in kept if not reference.startswith("Patient/") or borne(body))


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _History(msgspec.Struct):
    entry: list[_Entry] = []
