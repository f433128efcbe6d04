"""A panel that no profile stands behind in, whether its patient is known to be gone out; silence is no proof.

Known is who opted out, who was merged into another record, and who is no longer on the server: deleted, or absent from
a pull that was complete. A Patient that the pull lacks is asked for by its id, for pages shift and omit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.compose.content import parse
from service.errors import NotPermitted, Refused
from service.server.client import FhirServer
from service.write_back.plan_file import OPTED_OUT
from service.write_back.standing import Lines

MERGED, DELETED, ABSENT = "merged", "deleted", "absent"


@dataclass(frozen=True)
class Gone:
    """`kind` is empty where it is not proven; `why` then says why the panel is left where it stands."""

    kind: str
    why: str


@dataclass(frozen=True)
class Evidence:
    """What one run knows of the patients it has no profile of.

    `merged` names who replaced whom; `incomplete` is why the pull proves nobody absent, None where it does.
    """

    server: FhirServer
    patients: Lines
    opted_out: frozenset[str]
    merged: Mapping[str, str]
    incomplete: str | None
    limited: bool = False

    async def of(self, patient: str) -> Gone:
        if patient in self.opted_out:
            return Gone(OPTED_OUT, "its patient opted out")
        pulled = self.patients.get(patient.removeprefix("Patient/"))
        if other := self._replaced_by(patient, pulled):
            return Gone(MERGED, f"merged into {other}")
        if pulled is not None:
            return Gone("", "its Patient has no profile any more: left alone")
        return await self._not_pulled(patient)

    def _replaced_by(self, patient: str, pulled: bytes | None) -> str | None:
        links: list[Mapping[str, Any]] = parse(pulled).get("link", []) if pulled else []
        named = [link.get("other", {}).get("reference") for link in links if link.get("type") == "replaced-by"]
        return named[0] if named else self.merged.get(patient)

    async def _not_pulled(self, patient: str) -> Gone:
        try:
            await self.server.get(f"{self.server.base}/{patient}")
        except Refused as error:
            if error.status == 410:
                return Gone(DELETED, "its Patient was deleted")
            if error.status != 404:
                raise
        except NotPermitted:
            return Gone("", "its Patient may not be read any more: left alone")
        else:
            return Gone("", "its Patient is there, though the pull did not bring it: left alone")
        if self.incomplete:
            return Gone("", f"its Patient is not there, but {self.incomplete}: left alone")
        return Gone(ABSENT, "its Patient is no longer on the server")


def incomplete(manifest: Mapping[str, Any], pulled: int) -> str | None:
    """Why a pull does not prove anybody absent; None for a complete, unrestricted one that brought patients."""
    if manifest.get("limited"):
        return "only some patients were read"
    if not pulled:
        return "the pull brought no Patient at all"
    if any(str(each.get("where", "")).startswith("Patient") for each in manifest.get("set_aside", [])):
        return "the pull set Patients aside"
    if any(str(each).startswith("Patient:") for each in manifest.get("warnings", [])):
        return "the server warned of its Patients"
    return None
