"""An installation in, the Device out that every Provenance and panel of it names."""

from __future__ import annotations

from service.compose.canonical import DEVICE, INSTALLATION
from service.compose.content import Json
from service.compose.edition import Edition
from service.compose.release import said_in


def device(edition: Edition) -> Json:
    identity = edition.identity
    made = {
        "resourceType": "Device",
        "id": identity.device,
        "meta": identity.meta(DEVICE),
        "identifier": [{"system": INSTALLATION, "value": identity.installation}],
        "status": "active",
        "deviceName": [{"name": "fhir-personalization", "type": "other"}],
        "version": [{"value": edition.algorithm}],
    }
    return said_in(edition.release, made)


def version_of(device: Json) -> str:
    """The algorithm's version that a Device of ours names, empty without one: text in STU3, a list since R4."""
    version = device.get("version") or ""
    return version if isinstance(version, str) else str(version[0]["value"])
