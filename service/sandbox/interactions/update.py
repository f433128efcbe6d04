"""FHIR update: a resource and its id in, the version that now stands out. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from service.sandbox.content import Content, parse
from service.sandbox.http import Base, Held, JsonBody, Type, is_any, shown, valid_id, version_of
from service.sandbox.outcome import malformed
from service.sandbox.store import Write

router = APIRouter()


@router.put("/{type}/{id}")
def update(
    type: Type,
    id: str,
    body: JsonBody,
    store: Held,
    base: Base,
    if_match: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    content = addressed(parse(body), type, id)
    version, created = store.commit([Write(type, id, content, version_of(if_match), is_any(if_none_match))])[0]
    assert version is not None
    location = f"{base}/{version.location}"
    headers = {"Location": location, "Content-Location": location} if created else {"Content-Location": location}
    return shown(version, 201 if created else 200, headers)


def addressed(content: Content, type: str, id: str) -> Content:
    """The content, refused unless it is what the address says."""
    if content.of(type).id != valid_id(id):
        raise malformed(f"the body's id is {content.id!r}, the address says {id!r}")
    return content
