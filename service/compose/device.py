"""An installation in, the Device out that every Provenance and panel of it names."""

from __future__ import annotations

from service.compose.canonical import INSTALLATION
from service.compose.content import Json
from service.compose.edition import Edition


def device(edition: Edition) -> Json:
    identity = edition.identity
    return {
        "resourceType": "Device",
        "id": identity.device,
        "meta": identity.meta(),
        "identifier": [{"system": INSTALLATION, "value": identity.installation}],
        "status": "active",
        "deviceName": [{"name": "fhir-personalization", "type": "other"}],
        "version": [{"value": edition.algorithm}],
    }
