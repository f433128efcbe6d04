"""Who writes about whom in, the ids and labels of what we create out: the same names always give the same id.

So a run that is repeated, or resumed after a kill, meets its own resources instead of making second ones; another
installation or another source never does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from service import __version__
from service.compose.canonical import CONFIDENTIALITY, INSTALLATION, OBSERVATION_VALUE
from service.compose.content import Json


@dataclass(frozen=True)
class Identity:
    """One installation on one source; `major` is the algorithm's major version: a new one begins new resources."""

    installation: str
    source: str
    major: int

    @classmethod
    def of(cls, installation: str, source: str, algorithm: str = __version__) -> Identity:
        return cls(installation, source, int(algorithm.split(".")[0]))

    @property
    def device(self) -> str:
        return f"device-{self._hash('device')}"

    def panel(self, patient: str) -> str:
        """`patient` is `Patient/id`."""
        return f"panel-{self._hash('panel', patient)}"

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
