"""A panel in, what stands in for it where a server takes no such Observation out: a Flag, or a document that holds it.

And back: what such a resource says, as a panel would say it, so that both are compared and told in the same words.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from service.compose.canonical import CATEGORY, FLAG, LEVEL, PATIENT_PERSONALIZATION, PROFILE_IDENTIFIER
from service.compose.composed import Composed
from service.compose.content import Json, digest, enclosed, encode, find, value_of
from service.compose.identity import Identity
from service.compose.release import said_in
from service.server.capability import Release

FHIR_JSON = "application/fhir+json"
IN_USE = ("final", "amended")
TITLE = "Personalization profile"
CATEGORIES = [{"coding": [{"system": CATEGORY, "code": "personalization", "display": "Personalization"}]}]


def lowered(composed: Composed, resource_type: str, identity: Identity, release: Release) -> Composed:
    """The same profile as another resource; its Provenance is about that one, and no Patient points at it."""
    stands_in = said_in(release, stand_in(composed.panel, composed.patient, resource_type, identity))
    content = digest(stands_in)
    target = {"target": [{"reference": f"{resource_type}/{stands_in['id']}"}]}
    provenance = composed.provenance | {"id": identity.provenance(composed.patient, content)} | target
    return replace(composed, panel=stands_in, provenance=provenance, extension=None, content=content)


def stand_in(panel: Json, patient: str, resource_type: str, identity: Identity) -> Json:
    return (flag if resource_type == "Flag" else document)(panel, patient, identity)


def flag(panel: Json, patient: str, identity: Identity) -> Json:
    """For staff: the level in neutral words and for how long it counts; no number, no reason, no pathway."""
    identifier, extension = identity.flag(patient), find(panel, PATIENT_PERSONALIZATION)
    level = panel.get("valueCodeableConcept")
    in_use = level is not None and panel["status"] in IN_USE
    return {
        "resourceType": "Flag",
        "id": identifier,
        "meta": identity.meta(FLAG),
        "identifier": [{"system": PROFILE_IDENTIFIER, "value": identifier}],
        "status": "active" if in_use else "inactive",
        "category": CATEGORIES,
        "code": {**(level or {}), "text": f"Care level: {_display(level)}" if level else "Care level: none"},
        "subject": {"reference": patient},
        "period": {"start": value_of(extension, "asOf"), "end": value_of(extension, "validUntil")},
    }


def _display(level: Json) -> str:
    one: Json = level["coding"][0]
    return str(one.get("display", one["code"])).lower()


def document(panel: Json, patient: str, identity: Identity) -> Json:
    """The panel as a file: an app that finds it reads the same JSON as from an Observation."""
    identifier, body = identity.document(patient), encode(panel)
    return {
        "resourceType": "DocumentReference",
        "id": identifier,
        "meta": identity.meta(),
        "identifier": [{"system": PROFILE_IDENTIFIER, "value": identifier}],
        "status": "current",
        "docStatus": panel["status"] if panel["status"] in (*IN_USE, "preliminary") else "entered-in-error",
        "type": panel["code"],
        "category": CATEGORIES,
        "subject": {"reference": patient},
        "date": panel["issued"],
        "content": [{"attachment": _attachment(body, panel["issued"])}],
        "context": {"period": panel["effectivePeriod"]},
    }


def _attachment(body: bytes, created: str) -> Json:
    """FHIR's hash is a SHA-1: it tells a damaged file, and protects nothing."""
    sha1 = hashlib.sha1(body, usedforsecurity=False).digest()
    return {
        "contentType": FHIR_JSON,
        "data": base64.b64encode(body).decode(),
        "size": len(body),
        "hash": base64.b64encode(sha1).decode(),
        "title": TITLE,
        "creation": created,
    }


def as_panel(resource: Json) -> Json:
    """What a resource of ours says, in the shape of a panel; another resource as it is."""
    if resource.get("resourceType") == "DocumentReference":
        return _enclosed(resource) | {"id": resource.get("id"), "subject": resource.get("subject")}
    if resource.get("resourceType") == "Flag":
        return _flagged(resource)
    return resource


def says(resource: Json) -> Json | None:
    """The personalization extension of a resource of ours, or what it would be."""
    return find(as_panel(resource), PATIENT_PERSONALIZATION)


def _enclosed(document: Json) -> Json:
    """Empty where somebody put something else there: it differs from any panel, and is told as such."""
    attachments = [each.get("attachment", {}) for each in document.get("content", [])]
    return (enclosed(attachments[0]) if attachments else None) or {}


def _flagged(flag: Json) -> Json:
    codings = [each for each in (flag.get("code") or {}).get("coding", []) if each.get("system") == LEVEL]
    period = flag.get("period") or {}
    parts = [
        {"url": "asOf", "valueDateTime": period.get("start")},
        {"url": "validUntil", "valueDateTime": period.get("end")},
        *({"url": "level", "valueCode": each.get("code")} for each in codings),
    ]
    level = {"valueCodeableConcept": {"coding": codings}} if codings else {}
    return {**flag, **level, "extension": [{"url": PATIENT_PERSONALIZATION, "extension": parts}]}
