"""The routes in, OpenAPI out: what each may be asked, who may ask, and an example of the question and of its answer.

FHIR's own way to say this is the CapabilityStatement; this is for tools that know OpenAPI alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

import fhir_profiles
from service.compose.content import Json, encode
from service.facade.hooks.services import SERVICES
from service.facade.http import BASE, FHIR_JSON, FORM
from service.facade.outcome import operation_outcome
from service.facade.search.parameters import REVINCLUDE, SEARCH
from service.facade.watched import Open

JSON = "application/json"
PATIENT = "example-patient-intensive"
_PARTS = re.compile(r"{(\w+)}")
UUID = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


@dataclass(frozen=True)
class Told:
    """Of one operation: an example of its answer and of its body; `asked` are query parameters with an example each,
    `by` is what proves who asks, where it is not open to all."""

    status: int
    answer: object
    media: str = FHIR_JSON
    body: object = None
    sends: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    by: str = "bearer"


def described(app: FastAPI) -> Json:
    """What FastAPI knows of the routes, and the rest from here; KeyError for a route that is not told of."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemes = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "of the hospital's authorization server"},
        "subscription": {"type": "http", "scheme": "bearer", "description": "the Subscription's own secret"},
    }
    document.setdefault("components", {})["securitySchemes"] = schemes
    told, open_paths = operations(), {each.path for each in app.routes if isinstance(each, Open)}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            each = told[method.upper(), path]
            _describe(path, operation, each, open_to_all=path in open_paths and each.by == "bearer")
    return document


def _describe(path: str, operation: Json, told: Told, *, open_to_all: bool) -> None:
    parameters = [_part(name) for name in _PARTS.findall(path)]
    parameters += [_parameter("query", name, example) for name, example in told.asked.items()]
    parameters += [_parameter("header", name, example, required=True) for name, example in told.headers.items()]
    operation["parameters"] = parameters
    operation["responses"] = {
        str(told.status): _answer(told),
        "default": {"description": "refused", "content": _content(FHIR_JSON, operation_outcome("not-found", "why"))},
    }
    if told.sends:
        operation["requestBody"] = {"required": True, "content": _content(told.sends, told.body)}
    if not open_to_all:
        operation["security"] = [{told.by: []}]


def _answer(told: Told) -> Json:
    content = {} if told.answer is None else {"content": _content(told.media, told.answer)}
    return {"description": "answered", **content}


def _content(media: str, example: object) -> Json:
    kind = "string" if isinstance(example, str) else "object"
    return {media: {"schema": {"type": kind}, "example": example}}


def _part(name: str) -> Json:
    """A part of the path, with an example of what may stand there."""
    words = {"type": list(SEARCH), "service": list(SERVICES)}.get(name)
    examples = {"id": PATIENT, "job": UUID.replace("-", ""), "name": "launch", "type": "Observation"}
    examples |= {"kind": "Encounter", "resource": "visit-1"}
    part = _parameter("path", name, examples.get(name) or next(iter(SERVICES)), required=True)
    return part | ({"schema": {"type": "string", "enum": words}} if words else {})


def _parameter(where: str, name: str, example: str, *, required: bool = False) -> Json:
    return {"in": where, "name": name, "required": required, "schema": {"type": "string"}, "example": example}


def operations() -> dict[tuple[str, str], Told]:
    """By method and path."""
    of_reads = _of_the_process() | _of_the_app() | _of_fhir()
    return of_reads | _of_personalize() | _of_hooks() | _of_subscriptions()


def _of_the_process() -> dict[tuple[str, str], Told]:
    return {
        ("GET", "/healthz"): Told(200, {"status": "ok"}, JSON),
        ("GET", "/readyz"): Told(200, {"status": "ok"}, JSON),
        ("GET", "/metrics"): Told(200, 'personalize_cards_total{service="x"} 2.0', "text/plain"),
    }


def _of_the_app() -> dict[tuple[str, str], Told]:
    base = "https://personalization.hospital.example"
    settings = {
        "base": f"{base}{BASE}",
        "servers": [f"{base}{BASE}"],
        "client_id": "page",
        "redirect_uri": f"{base}/app/",
    }
    return {
        ("GET", "/app/settings.json"): Told(200, settings, JSON),
        ("GET", "/app/"): Told(200, "<!doctype html>", "text/html"),
        ("GET", "/app/{name}"): Told(200, "<!doctype html>", "text/html"),
    }


def _of_fhir() -> dict[tuple[str, str], Told]:
    panel, person = _example("Observation", "example-panel-intensive"), _example("Patient", PATIENT)
    found = {"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [{"resource": panel}]}
    configuration = {"token_endpoint": "https://auth.hospital.example/token", "capabilities": ["permission-v2"]}
    operation = f"{BASE}/Patient/{{id}}/$personalization-profile"
    return {
        ("GET", f"{BASE}/metadata"): Told(200, _statement()),
        ("GET", f"{BASE}/.well-known/smart-configuration"): Told(200, configuration, JSON),
        ("GET", operation): Told(200, panel),
        ("POST", operation): Told(200, panel),
        ("GET", f"{BASE}/{{type}}"): Told(200, found, asked=_asked()),
        ("POST", f"{BASE}/{{type}}/_search"): Told(200, found, body={"patient": PATIENT, "_count": "1"}, sends=FORM),
        ("GET", f"{BASE}/{{type}}/{{id}}"): Told(200, person),
    }


def _of_personalize() -> dict[tuple[str, str], Told]:
    named = {"name": "patient", "valueReference": {"reference": f"Patient/{PATIENT}"}}
    done = {"resourceType": "Parameters", "parameter": [{"name": "profiles", "valueInteger": 1}]}
    body = {"resourceType": "Parameters", "parameter": [named]}
    status = f"{BASE}/_personalize/{{job}}"
    return {
        ("POST", f"{BASE}/$personalize"): Told(
            202, None, body=body, sends=FHIR_JSON, headers={"Prefer": "respond-async"}
        ),
        ("GET", status): Told(200, done),
        ("DELETE", status): Told(202, None),
    }


def _of_hooks() -> dict[tuple[str, str], Told]:
    context = {"userId": "Practitioner/1", "patientId": PATIENT}
    call = {"hook": "patient-view", "hookInstance": UUID, "context": context}
    source = {"label": "Personalization profile", "url": "https://personalization.hospital.example"}
    card = {"uuid": UUID, "summary": "Care level: Intensive", "indicator": "info", "source": source}
    heard = {
        "card": UUID,
        "outcome": "overridden",
        "outcomeTimestamp": "2026-07-01T08:00:00Z",
        "overrideReason": {"reason": {"code": "known-already"}},
    }
    service = "/cds-services/{service}"
    return {
        ("GET", "/cds-services"): Told(200, {"services": [each.discovered for each in SERVICES.values()]}, JSON),
        ("POST", service): Told(200, {"cards": [card]}, JSON, body=call, sends=JSON),
        ("POST", f"{service}/feedback"): Told(200, {}, JSON, body={"feedback": [heard]}, sends=JSON),
    }


def _of_subscriptions() -> dict[tuple[str, str], Told]:
    """What a FHIR server sends, with the secret of its Subscription as a bearer token."""
    visit = {"resourceType": "Encounter", "id": "visit-1", "subject": {"reference": f"Patient/{PATIENT}"}}
    named, below = "Subscription/visits", "/notify/{id}/{kind}/{resource}"
    status = [
        {"name": "subscription", "valueReference": {"reference": named}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "events-since-subscription-start", "valueString": "1"},
    ]
    asked = {"request": {"method": "GET", "url": f"{named}/$status"}, "response": {"status": "200"}}
    told = {"fullUrl": f"urn:uuid:{UUID}", "resource": {"resourceType": "Parameters", "parameter": status}, **asked}
    bundle = {"resourceType": "Bundle", "type": "history", "entry": [told]}
    return {
        ("POST", "/notify/{id}"): Told(200, None, body=bundle, sends=FHIR_JSON, by="subscription"),
        ("PUT", below): Told(200, None, body=visit, sends=FHIR_JSON, by="subscription"),
        ("POST", below): Told(200, None, body=visit, sends=FHIR_JSON, by="subscription"),
    }


def _asked() -> dict[str, str]:
    """Every parameter of every type, with a value that it may have."""
    values = {
        "_id": PATIENT,
        "_lastUpdated": "ge2026-01-01",
        "outcome": "0",
        "status": "final",
        "category": "personalization",
        "code": "profile",
        "measure": "https://w3id.org/fhir-personalization/Measure/visits",
        "patient": PATIENT,
        "subject": PATIENT,
        "target": "Observation/example-panel-intensive",
        "value-concept": "intensive",
        "personalization-level": "intensive",
        "personalization-pathway": "proactive-outreach",
    }
    names = sorted({name for parameters in SEARCH.values() for name in parameters})
    shaping = {"_count": "20", "_sort": "-_lastUpdated", "_total": "accurate", "_revinclude": REVINCLUDE}
    return {name: values.get(name, "ge2026-01-01") for name in names} | shaping


@cache
def _example(type: str, id: str) -> Json:
    found = next(each for each in fhir_profiles.examples("r4") if (each["resourceType"], each["id"]) == (type, id))
    as_json: Json = json.loads(encode(found))  # an example reads the same with floats
    return as_json


def _statement() -> dict[str, Any]:
    """Its head: all of it is at its own address."""
    statement = fhir_profiles.load("r4", "CapabilityStatement/personalization-service")
    return {name: statement[name] for name in ("resourceType", "status", "kind", "fhirVersion", "format")}
