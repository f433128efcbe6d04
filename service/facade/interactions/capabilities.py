"""`/metadata`: what is published of this service in, the same as the statement of this very instance out.

https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

import fhir_profiles
from service import __version__
from service.facade.http import BASE, Wired, fhir_json, speaks_json
from service.facade.served import Served
from service.facade.watched import Open
from service.server.capability import VERSIONS, Release

NAME = "CapabilityStatement/personalization-service"

router = APIRouter(prefix=BASE, route_class=Open)


@router.get("/metadata")
async def capabilities(request: Request, served: Wired) -> Response:
    """What is served, and how it is searched."""
    speaks_json(request)
    return fhir_json(statement(served))


def published(release: Release) -> dict[str, Any]:
    return fhir_profiles.load(fhir_profiles.FOLDERS[release], NAME)


def statement(served: Served) -> dict[str, Any]:
    """As published, but for what only an instance can say of itself."""
    told = published(served.release)
    canonical = told.pop("url")
    (rest,) = told["rest"]
    return told | {
        "kind": "instance",
        "id": "instance",
        "fhirVersion": VERSIONS[served.release],
        "instantiates": [canonical],
        "software": {"name": "fhir-personalization", "version": __version__},
        "implementation": {"description": "Personalization profiles of one source", "url": served.base},
        "rest": [rest | ({"security": _security(served)} if served.tokens else {})],
    }


def _security(served: Served) -> dict[str, Any]:
    smart = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
    return {"cors": bool(served.settings.origins), "service": [{"coding": [smart]}]}
