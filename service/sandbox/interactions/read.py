"""FHIR read and vread: an id, and perhaps a version, in; the resource out. https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from service.sandbox.http import Held, Type, shown, version_headers
from service.sandbox.outcome import gone, not_found
from service.sandbox.store import Store, Version

router = APIRouter()


@router.get("/{type}/{id}")
def read(type: Type, id: str, store: Held, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    version = store.read(type, id)
    if if_none_match and version.etag in (etag.strip() for etag in if_none_match.split(",")):
        return Response(status_code=304, headers=version_headers(version))
    return shown(version)


@router.get("/{type}/{id}/_history/{number}")
def vread(type: Type, id: str, number: str, store: Held) -> Response:
    version = _numbered(store, type, id, number)
    if not version.body:
        raise gone(type, id)
    return shown(version)


def _numbered(store: Store, type: str, id: str, number: str) -> Version:
    for version in store.history(type, id):
        if str(version.number) == number:
            return version
    raise not_found(type, f"{id}/_history/{number}")
