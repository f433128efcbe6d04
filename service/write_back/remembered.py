"""What stands and what the catalog says we wrote there in, why it is not ours to change any more out.

A version that one of our writes returned, or a content that we sent, is ours. Whatever else stands in place of it
is somebody's decision, and is left alone until that person, or an undo, gives the place back.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from service.catalog import Catalog, Write
from service.compose.content import Json, fingerprint, same, value_of
from service.compose.shapes import says
from service.write_back.patient import Borne, decoded
from service.write_back.standing import Standing

IN_USE = ("final", "preliminary", "amended", "active", "current")
EDITED = "edited by hand since: left alone"
TAKEN_OFF = "taken off by hand since: left alone"


@dataclass(frozen=True)
class Remembered:
    """Of one source at one address. A fresh lake remembers nothing, and then only what stands can tell."""

    catalog: Catalog
    source: str
    base: str

    def panel_held(self, reference: str, standing: Standing) -> str | None:
        """Why a panel whose content differs from ours is left alone; None when it may be replaced."""
        writes = self._about(reference)
        versions = {write.version for write in writes if write.version}
        if standing.version in versions or _sent(writes, standing.content):
            return None
        status = standing.content.get("status")
        if status not in IN_USE:
            return f"somebody made it {status}: left alone"
        return EDITED if versions else None

    def knows(self, reference: str) -> bool:
        return any(write.version for write in self._about(reference))

    def patients_of(self, run: str) -> frozenset[str]:
        return frozenset(self.catalog.patients(run))

    def left_by(self, run: str, patient: str, pulled: Borne | None) -> Borne | None:
        """What a run left on a Patient; as pulled before it, where it left the Patient alone."""
        own = [write for write in self._about(patient) if write.run == run and write.state == "done"]
        return decoded(own[-1].after) if own else pulled

    def extension_held(self, patient: str, present: Borne | None) -> str | None:
        """Why what a Patient bears, or bears no more, is left alone."""
        writes = self._about(patient)
        standing = [write for write in writes if write.state == "done"]
        if not standing or standing[-1].after is None:
            return None
        if present is None:
            return TAKEN_OFF
        left = [decoded(write.after) for write in writes]
        return None if any(each and same(each.content, present.content) for each in left) else EDITED

    def _about(self, reference: str) -> list[Write]:
        return self.catalog.about(self.source, self.base, reference)


def _sent(writes: list[Write], content: Json) -> bool:
    """To the letter: a write whose answer came too late for the catalog, or a server that renumbers."""
    made = fingerprint(content).encode()
    return any(write.after == made for write in writes)


def newer(extension: Json | None, than: dt.datetime) -> str | None:
    """Why a profile that looks further than ours is left alone: another run knew more."""
    moment = as_of(extension)
    if moment is None or moment <= than:
        return None
    return f"a newer profile, as of {moment.isoformat()}, stands"


def overtaken(extension: Json | None, framework: str) -> str | None:
    """Why a profile by a newer version of the algorithm than `framework` is left alone."""
    theirs, ours = algorithm(value_of(extension, "frameworkVersion")), algorithm(framework)
    if theirs <= ours:
        return None
    return f"a profile by the newer algorithm {'.'.join(map(str, theirs))} stands: left alone"


def algorithm(framework: object) -> tuple[int, ...]:
    """0.1.0 / 1.0+0123abcd -> (0, 1, 0); what is no version is older than any."""
    parts = str(framework).partition(" ")[0].split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()


def panel_newer(panel: Json, than: dt.datetime) -> str | None:
    return newer(says(panel), than)


def as_of(extension: Json | None) -> dt.datetime | None:
    """None for what could not be compared with an instant."""
    try:
        moment = dt.datetime.fromisoformat(str(value_of(extension, "asOf")))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
