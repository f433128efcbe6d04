"""FHIR capabilities: nothing in, what this server can do out. https://hl7.org/fhir/R4/http.html#capabilities"""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request, Response

from service.sandbox.faults import Faults, Switch
from service.sandbox.http import FHIR_JSON, Base, fhir_json
from service.sandbox.interactions.patch import JSON_PATCH
from service.sandbox.parameters import SEARCH
from service.sandbox.search import REVINCLUDE
from service.sandbox.versions import FHIR_VERSIONS

SOFTWARE = "fhir-personalization sandbox"

BULK_DATA = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
_EXPORTS = {"system": "export", "Patient": "patient-export", "Group": "group-export"}

_SYSTEM: tuple[Switch, ...] = ("transaction", "batch")
_INTERACTIONS = ("read", "vread", "update", "history-instance", "create", "search-type")
_SWITCHED: tuple[Switch, ...] = ("patch", "delete")

router = APIRouter()


@router.get("/metadata")
def capabilities(request: Request, base: Base) -> Response:
    return fhir_json(
        msgspec.json.encode(_statement(base, request.app.state.faults, FHIR_VERSIONS[request.app.state.fhir]))
    )


def _statement(base: str, faults: Faults, fhir_version: str) -> dict[str, object]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-07-01",
        "kind": "instance",
        "software": {"name": SOFTWARE},
        "implementation": {"description": "synthetic patients to develop and measure against", "url": base},
        "fhirVersion": fhir_version,
        "format": [FHIR_JSON, "json"],
        **({"patchFormat": [JSON_PATCH]} if faults.states("patch") else {}),
        "rest": [
            {
                "mode": "server",
                "resource": [_resource(type, faults) for type in SEARCH if faults.has(type)],
                "interaction": [{"code": code} for code in _SYSTEM if faults.states(code)],
                **_operations("system", faults),
            }
        ],
    }


def _resource(type: str, faults: Faults) -> dict[str, object]:
    return {
        "type": type,
        "interaction": [{"code": code} for code in _interactions(faults)],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": faults.states("update-create"),
        "conditionalCreate": faults.states("conditional-create"),
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "searchRevInclude": [REVINCLUDE],
        "searchParam": [{"name": each.name, "type": each.fhir_type} for each in SEARCH[type].values()],
        **_operations(type, faults),
    }


def _operations(level: str, faults: Faults) -> dict[str, object]:
    if level not in faults.plan.bulk.at:
        return {}
    return {"operation": [{"name": "export", "definition": f"{BULK_DATA}/{_EXPORTS[level]}"}]}


def _interactions(faults: Faults) -> tuple[str, ...]:
    return (*_INTERACTIONS, *(code for code in _SWITCHED if faults.states(code)))
