"""FHIR delete: an id in, nothing out; the history stays. https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from service.sandbox.http import Held, Type, version_headers, version_of
from service.sandbox.store import Write

router = APIRouter()


@router.delete("/{type}/{id}")
def delete(type: Type, id: str, store: Held, if_match: Annotated[str | None, Header()] = None) -> Response:
    version, _ = store.commit([Write(type, id, None, version_of(if_match))])[0]
    return Response(status_code=204, headers=version_headers(version) if version else None)
