"""The body of a hook call in, the patient whom it is about out; 400 for what is no such call.

https://cds-hooks.hl7.org/2.0/#http-request_1
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from service.facade.hooks.services import Service
from service.facade.outcome import malformed
from service.facade.search.parameters import FHIR_ID

USERS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson")
AUTHORIZATION = {"access_token": str, "token_type": str, "expires_in": int, "scope": str, "subject": str}

Json = dict[str, Any]


def patient_of(body: Json, service: Service, bases: Collection[str]) -> tuple[str, str]:
    """(`Patient/id`, the user as `Type/id`). `bases` are the addresses of the source whose profiles these are."""
    _called(body, service)
    context = body.get("context")
    if not isinstance(context, dict):
        raise malformed("context is missing")
    patient, user = _id(context.get("patientId")), _user(context.get("userId"))
    for name in service.context:
        if not context.get(name):
            raise malformed(f"context.{name} is missing")
    _server(body, bases)
    _authorized(body, patient)
    return f"Patient/{patient}", user


def _called(body: Json, service: Service) -> None:
    if body.get("hook") != service.hook:
        raise malformed(f"this service is for the hook {service.hook}")
    try:
        UUID(str(body.get("hookInstance")))
    except ValueError:
        raise malformed("hookInstance is no UUID") from None


def _id(said: object) -> str:
    identifier = said.removeprefix("Patient/") if isinstance(said, str) else ""
    if not FHIR_ID.fullmatch(identifier):
        raise malformed("context.patientId is no FHIR id")
    return identifier


def _user(said: object) -> str:
    type, _, identifier = said.partition("/") if isinstance(said, str) else ("", "", "")
    if type not in USERS or not FHIR_ID.fullmatch(identifier):
        raise malformed("context.userId is no reference to a user, such as Practitioner/1")
    return f"{type}/{identifier}"


def _server(body: Json, bases: Collection[str]) -> None:
    """An id means a patient of one server: of another one's it would show somebody else."""
    said = body.get("fhirServer")
    if said is None:
        if "fhirAuthorization" in body:
            raise malformed("fhirAuthorization without fhirServer")
        return
    if not isinstance(said, str) or not (said.startswith("https://") or _loopback(said)):
        raise malformed("fhirServer is no https address")
    if said.rstrip("/") not in bases:
        raise malformed("fhirServer is not the source of these profiles; its owner may name it under aliases")


def _loopback(url: str) -> bool:
    """By its number alone: nothing that is named here is looked up."""
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def _authorized(body: Json, patient: str) -> None:
    """Checked for its shape and bounds; the token in it is never used, kept or logged."""
    said = body.get("fhirAuthorization")
    if said is None:
        return
    whole = isinstance(said, dict) and all(isinstance(said.get(name), kind) for name, kind in AUTHORIZATION.items())
    if not whole or said["token_type"] != "Bearer":  # noqa: S105 - the name of a kind of token
        raise malformed(f"fhirAuthorization needs {', '.join(AUTHORIZATION)}, and token_type Bearer")
    if said.get("patient", patient) not in (patient, f"Patient/{patient}"):
        raise malformed("fhirAuthorization is for another patient")
