"""What a source's owner allows, what its server states and what it answers in, the rung that is written on out.

The owner's choice is the ceiling. Below it a rung is taken for what the statement says, and then doubted until the
first write was read back: statements lie in both directions, and some servers answer 200 and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.compose.release import RELEASES
from service.errors import LostRace, Refused, ServerProblem
from service.server.capability import Capability
from service.server.egress import RUNGS
from service.settings import WriteRung
from service.write_back.manner import NOT_DONE, Found

# What says a level on each rung.
STANDS_IN = {"patient": "Observation", "observation": "Observation", "flag": "Flag", "document": "DocumentReference"}
WRITES = ("update", "create")
NEEDED: Mapping[WriteRung, Mapping[str, tuple[str, ...]]] = {
    "patient": {"Device": WRITES, "Observation": WRITES, "Patient": ("update", "patch")},
    "observation": {"Device": WRITES, "Observation": WRITES},
    "flag": {"Flag": WRITES},
    "document": {"DocumentReference": WRITES},
    "none": {},
}
LOWER: Mapping[WriteRung, str] = {"flag": "Flag", "document": "DocumentReference"}
IN_A_ROW = 3
MINDED = "if-match minded"


@dataclass(frozen=True)
class Rungs:
    """What one server takes, by its statement and by what was found out."""

    capability: Capability
    out: Mapping[str, str]

    def highest(self, ceiling: WriteRung) -> WriteRung:
        return next(rung for rung in RUNGS[RUNGS.index(ceiling) :] if self.missing(rung) is None)

    def below(self, rung: WriteRung) -> WriteRung:
        return self.highest(RUNGS[RUNGS.index(rung) + 1])

    def missing(self, rung: WriteRung) -> str | None:
        """Why it is not taken, in words; None when it is."""
        if rung != "none" and self.capability.release not in RELEASES:
            return f"profiles are composed for {' and '.join(RELEASES)}, and it speaks {self.capability.release}"
        for resource_type, interactions in NEEDED[rung].items():
            if why := self.lacks(resource_type, *interactions):
                return why
        return f"it ignores If-Match: {self.out['if-match']}" if rung == "patient" and "if-match" in self.out else None

    def lacks(self, resource_type: str, *interactions: str) -> str | None:
        if resource_type in self.out:
            return f"it takes no {resource_type}: {self.out[resource_type]}"
        if not self.capability.takes(resource_type, *(interactions or WRITES)):
            return f"it states no {' or '.join(interactions or WRITES)} of {resource_type}"
        return None

    def notes(self, ceiling: WriteRung) -> list[str]:
        """Why it is not the rung that the owner allows."""
        chosen = self.highest(ceiling)
        if chosen == ceiling:
            return []
        return [f"this server is written to as {chosen}, not {ceiling}: {self.missing(ceiling)}"]


def used(types: Iterable[str]) -> WriteRung:
    """The rung that writing these means."""
    written = set(types)
    if "Patient" in written:
        return "patient"
    return next((rung for rung, each in LOWER.items() if each in written), "observation")


class Lie(Exception):
    """The server said that it did what it did not do; `resource_type` is of what."""

    def __init__(self, resource_type: str) -> None:
        super().__init__("it answers that it was done, and nothing changed")
        self.resource_type = resource_type


class Moved(Exception):
    """The rung went down while somebody waited for the turn."""


@dataclass
class Ladder:
    """The rung in force while a plan is applied; it only ever goes down. `proven` types were written and read back."""

    rung: WriteRung
    capability: Capability
    found: Found
    proven: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    _refused: int = 0

    @property
    def rungs(self) -> Rungs:
        return Rungs(self.capability, self.found.out())

    @property
    def stands_in(self) -> str:
        return STANDS_IN.get(self.rung, "")

    @property
    def provenance(self) -> bool:
        """Provenance names the Device, so both must be taken; on the lower rungs neither has to be."""
        rungs = self.rungs
        return not (rungs.lacks("Provenance") or rungs.lacks("Device"))

    @property
    def takes_device(self) -> bool:
        return self.rungs.lacks("Device") is None

    def doubts(self, types: set[str]) -> bool:
        return not types <= self.proven

    def held(self, types: set[str]) -> None:
        self.proven |= types
        self._refused = 0

    def lied(self, lie: Lie) -> bool:
        return self._not_taken(lie.resource_type, str(lie))

    def refused(self, error: ServerProblem | None, resource_type: str, types: set[str]) -> bool:
        """Whether the answer means that this server does not take what we send: then it goes on one rung lower.

        One patient may be refused for what is in it; three before anybody was taken are not about patients.
        """
        if not isinstance(error, Refused) or isinstance(error, LostRace):
            return False
        if resource_type and resource_type not in self.proven and _no_such(error, resource_type):
            return self._not_taken(resource_type, error.what)
        if error.status not in (400, 422) or not self.doubts(types):
            return False
        self._refused += 1
        return self._refused >= IN_A_ROW and self._not_taken(self._suspect(types), error.what)

    def no_device(self, error: ServerProblem | None) -> bool:
        """The Device is refused: whether that is for what it is, and not for who we are or for a moment."""
        if not isinstance(error, Refused) or isinstance(error, LostRace):
            return False
        if error.status >= 500 and error.status not in NOT_DONE:
            return False
        return self._not_taken("Device", error.what)

    def _suspect(self, types: set[str]) -> str:
        """The furthest first: what was proven is not suspected."""
        return next(each for each in ("Patient", self.stands_in, *sorted(types)) if each in types - self.proven)

    @property
    def minds_if_match(self) -> bool:
        return MINDED in self.found.out()

    def minded_if_match(self) -> None:
        """Found out as well, so that it is not asked again for a month."""
        self.found.note(MINDED, "a version that never was is refused")

    def ignores_if_match(self, said: str) -> None:
        self.found.note("if-match", said)
        self._lower()

    def _not_taken(self, resource_type: str, said: str) -> bool:
        self.found.note(resource_type, said)
        if resource_type == "Provenance":
            self.notes.append(f"no Provenance is written: {said}")
        else:
            self._lower()
        self._refused = 0
        return True

    def _lower(self) -> None:
        before, rungs = self.rung, self.rungs
        self.rung = rungs.highest(self.rung)
        if self.rung != before:
            self.notes.append(f"written as {self.rung}, not {before}: {rungs.missing(before)}")


def _no_such(error: Refused, resource_type: str) -> bool:
    """A Patient is somebody's own, and a 404 says that it is gone."""
    gone = error.status == 404 and resource_type == "Patient"
    return not gone and (error.status in NOT_DONE or error.code == "not-supported")
