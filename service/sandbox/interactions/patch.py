"""FHIR patch by JSON Patch: an id and operations in, the version that now stands out.

https://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from service.sandbox.content import parse
from service.sandbox.http import Base, Held, Type, shown, version_of
from service.sandbox.interactions.update import addressed
from service.sandbox.json_patch import patched
from service.sandbox.outcome import Refusal
from service.sandbox.store import Store, Write

router = APIRouter()
JSON_PATCH = "application/json-patch+json"


@router.patch("/{type}/{id}")
async def patch(
    type: Type, id: str, request: Request, store: Held, base: Base, if_match: Annotated[str | None, Header()] = None
) -> Response:
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent != JSON_PATCH:
        raise Refusal(415, "not-supported", f"the body must be {JSON_PATCH}")
    body = await request.body()
    with store.lock:
        version, _ = store.commit([patching(store, type, id, body, version_of(if_match))])[0]
    assert version is not None
    return shown(version, 200, {"Content-Location": f"{base}/{version.location}"})


def patching(store: Store, type: str, id: str, operations: bytes, match: int | None) -> Write:
    """The write that makes what stands into what is asked for; hold the lock until it is committed."""
    if "patch" in store.limits.refused:
        raise Refusal(405, "not-supported", "this server has no patch")
    standing = store.read(type, id)
    content = addressed(parse(patched(standing.body, operations)), type, id)
    return Write(type, id, content, standing.number if match is None else match)
