"""FHIR history of one resource: an id in, all its versions out, newest first.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response

from service.sandbox.dates import instant
from service.sandbox.http import Base, Held, Type, fhir_json
from service.sandbox.store import Version

router = APIRouter()


@router.get("/{type}/{id}/_history")
def history(type: Type, id: str, store: Held, base: Base) -> Response:
    versions = store.history(type, id)
    entries = [_entry(base, version) for version in versions]
    return fhir_json(
        msgspec.json.encode({"resourceType": "Bundle", "type": "history", "total": len(entries), "entry": entries})
    )


def _entry(base: str, version: Version) -> dict[str, object]:
    """A deletion has no resource; whether a first version came by PUT or POST is not kept: PUT stands for both."""
    address = f"{version.type}/{version.id}"
    resource = {"resource": msgspec.Raw(version.body)} if version.body else {}
    status = "204" if not version.body else "201" if version.number == 1 else "200"
    return {
        "fullUrl": f"{base}/{address}",
        **resource,
        "request": {"method": "PUT" if version.body else "DELETE", "url": address},
        "response": {"status": status, "etag": version.etag, "lastModified": instant(version.updated)},
    }
