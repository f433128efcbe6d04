"""What one profile is composed to."""

from __future__ import annotations

from dataclasses import dataclass

from service.compose.content import Json, fingerprint


@dataclass(frozen=True)
class Composed:
    """One patient's resources as JSON, decimals as Decimal.

    `content` is the panel's digest; `extension` the patient-personalization for the Patient, None where it bears none.
    `row` is what the profile is known by that it was composed from.
    """

    patient: str
    panel: Json
    provenance: Json
    extension: Json | None
    content: str
    row: str = ""

    @property
    def fingerprints(self) -> tuple[str, str]:
        """The panel's and its Provenance's."""
        return fingerprint(self.panel), fingerprint(self.provenance)
