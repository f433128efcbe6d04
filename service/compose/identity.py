"""Who writes about whom in, the ids and labels of what we create out: the same names always give the same id.

So a run that is repeated, or resumed after a kill, meets its own resources instead of making second ones; another
installation or another source never does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

import service
from service.compose.canonical import CONFIDENTIALITY, INSTALLATION, OBSERVATION_VALUE
from service.compose.content import Json

MAJORS_AHEAD = 9  # a server may have been written by newer versions than this one


@dataclass(frozen=True)
class Identity:
    """One installation on one source; `major` is the algorithm's major version: a new one begins new resources."""

    installation: str
    source: str
    major: int

    @classmethod
    def of(cls, installation: str, source: str, algorithm: str | None = None) -> Identity:
        """By this version of the service, unless another is named."""
        return cls(installation, source, int((algorithm or service.__version__).split(".")[0]))

    def others(self) -> Iterator[Identity]:
        """The same installation on the same source by other major versions: all before, and some that may come."""
        return (replace(self, major=major) for major in range(self.major + MAJORS_AHEAD) if major != self.major)

    @property
    def device(self) -> str:
        return f"device-{self._hash('device')}"

    def panel(self, patient: str) -> str:
        """`patient` is `Patient/id`."""
        return f"panel-{self._hash('panel', patient)}"

    def flag(self, patient: str) -> str:
        return f"flag-{self._hash('flag', patient)}"

    def document(self, patient: str) -> str:
        return f"document-{self._hash('document', patient)}"

    def standing_in(self, resource_type: str, patient: str) -> str:
        """The id of the resource of this type that says a patient's level."""
        return {"Flag": self.flag, "DocumentReference": self.document}.get(resource_type, self.panel)(patient)

    def provenance(self, patient: str, content: str) -> str:
        """One for each content written, so `content` is the panel's digest."""
        return f"provenance-{self._hash('provenance', patient, content)}"

    @property
    def tag(self) -> Json:
        return {"system": INSTALLATION, "code": self.installation}

    def meta(self, profile: str | None = None) -> Json:
        """Labels go only on what we create: asserted by a device, restricted as the visits and claims it comes from."""
        return {
            "source": f"{INSTALLATION}/{self.installation}",
            **({"profile": [profile]} if profile else {}),
            "security": [
                {"system": OBSERVATION_VALUE, "code": "DEVAST"},
                {"system": CONFIDENTIALITY, "code": "R"},
            ],
            "tag": [self.tag],
        }

    def _hash(self, kind: str, *about: str) -> str:
        """40 hex digits: with the prefix never all digits, which HAPI refuses, and within FHIR's 64 characters."""
        named = msgspec.json.encode([self.installation, self.source, self.major, kind, *about])
        return hashlib.sha256(named).hexdigest()[:40]
