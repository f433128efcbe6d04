"""A panel in, the small record of it by which a plan compares out."""

from __future__ import annotations

import msgspec

from service.compose.canonical import LEVEL
from service.compose.content import Json, personalization, value_of
from service.compose.shapes import as_panel


class Stood(msgspec.Struct, omit_defaults=True, frozen=True):
    """What is compared: `content` is the digest, so that a body is read only where it differs."""

    id: str
    patient: str
    content: str
    version: str | None = None
    level: str | None = None
    status: str | None = None
    valid_until: str | None = None


def record(resource: Json, panel_id: str, content: str, version: str | None = None) -> Stood:
    """Of a resource as composed, or as it was parsed here."""
    panel = as_panel(resource)
    codings = (panel.get("valueCodeableConcept") or {}).get("coding", [])
    until = value_of(personalization(panel), "validUntil")
    return Stood(
        id=panel_id,
        patient=str((panel.get("subject") or {}).get("reference")),
        content=content,
        version=version,
        level=next((coding.get("code") for coding in codings if coding.get("system") == LEVEL), None),
        status=resource.get("status"),
        valid_until=None if until is None else str(until),
    )
