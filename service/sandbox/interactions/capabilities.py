"""FHIR capabilities: nothing in, what this server can do out. https://hl7.org/fhir/R4/http.html#capabilities"""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response

from service.sandbox.http import FHIR_JSON, Base, fhir_json
from service.sandbox.parameters import SEARCH
from service.sandbox.search import REVINCLUDE

SOFTWARE = "fhir-personalization sandbox"
FHIR_VERSION = "4.0.1"

_INTERACTIONS = ("read", "vread", "update", "delete", "history-instance", "create", "search-type")

router = APIRouter()


@router.get("/metadata")
def capabilities(base: Base) -> Response:
    return fhir_json(msgspec.json.encode(_statement(base)))


def _statement(base: str) -> dict[str, object]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-07-01",
        "kind": "instance",
        "software": {"name": SOFTWARE},
        "implementation": {"description": "synthetic patients to develop and measure against", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(type) for type in SEARCH],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _resource(type: str) -> dict[str, object]:
    return {
        "type": type,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": False,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchRevInclude": [REVINCLUDE],
        "searchParam": [{"name": each.name, "type": each.fhir_type} for each in SEARCH[type].values()],
    }
