"""FHIR create: a resource in, the same under an id of the server's out. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Response

from service.sandbox.content import parse
from service.sandbox.http import Base, Held, JsonBody, Type, shown
from service.sandbox.outcome import Refusal, precondition_failed
from service.sandbox.search import find
from service.sandbox.search import parse as query
from service.sandbox.store import Store, Version

router = APIRouter()


@router.post("/{type}")
def create(
    type: Type,
    body: JsonBody,
    store: Held,
    base: Base,
    if_none_exist: Annotated[str | None, Header()] = None,
) -> Response:
    content = parse(body).of(type)
    with store.lock:
        if if_none_exist is not None and (found := _existing(store, type, if_none_exist)):
            return shown(found, 200, {"Location": f"{base}/{found.location}"})
        version = store.create(content)
    return shown(version, 201, {"Location": f"{base}/{version.location}"})


def _existing(store: Store, type: str, criteria: str) -> Version | None:
    """https://hl7.org/fhir/R4/http.html#ccreate"""
    if "conditional-create" in store.limits.refused:
        raise Refusal(400, "not-supported", "this server has no conditional create; PUT to an id of your own")
    found = [id for id, _ in store.bodies(type, find(store, query(type, parse_qsl(criteria, keep_blank_values=True))))]
    if len(found) > 1:
        raise precondition_failed(f"{len(found)} resources match If-None-Exist")
    return store.read(type, found[0]) if found else None
