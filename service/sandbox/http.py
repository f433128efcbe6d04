"""What the interactions share of HTTP: whom they speak to, in which format, under which conditions.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Response

from service.sandbox.dates import http_date
from service.sandbox.outcome import Refusal, malformed
from service.sandbox.paging import NextLinks
from service.sandbox.parameters import SEARCH
from service.sandbox.store import Store, Version

FHIR_JSON = "application/fhir+json"
BASE = "/fhir"

_JSON_TYPES = {FHIR_JSON, "application/json"}
_ACCEPTED = {*_JSON_TYPES, "application/*", "*/*", "json"}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ETAG = re.compile(r'(?:W/)?"(\d+)"')


def fhir_json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, FHIR_JSON)


def shown(version: Version, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource with the headers that name its version."""
    return fhir_json(version.body, status, version_headers(version) | (headers or {}))


def version_headers(version: Version) -> dict[str, str]:
    return {"ETag": version.etag, "Last-Modified": http_date(version.updated)}


async def speaks_json(request: Request) -> None:
    """Refuses a client that wants an answer in anything but JSON; `_format` outranks the Accept header."""
    wanted = request.query_params.get("_format") or request.headers.get("accept") or "*/*"
    media_types = {part.split(";")[0].strip().lower() for part in wanted.replace(" json", "+json").split(",")}
    if not media_types & _ACCEPTED:
        raise Refusal(406, "not-supported", f"this server answers in {FHIR_JSON} only")


async def _json_body(request: Request) -> bytes:
    _require_media_type(request, _JSON_TYPES)
    return await request.body()


async def _form(request: Request) -> list[tuple[str, str]]:
    _require_media_type(request, {"application/x-www-form-urlencoded"})
    try:
        return parse_qsl((await request.body()).decode(), keep_blank_values=True)
    except ValueError:
        raise malformed("the body is no form: it is not UTF-8") from None


def _require_media_type(request: Request, accepted: set[str]) -> None:
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent and sent not in accepted:
        raise Refusal(415, "not-supported", f"the body must be {' or '.join(sorted(accepted))}")


async def _known_type(type: str) -> str:
    return known_type(type)


def known_type(type: str) -> str:
    if type not in SEARCH:
        raise Refusal(404, "not-supported", f"this server knows no resource type {type!r}")
    return type


def valid_id(id: str) -> str:
    if not _ID.fullmatch(id):
        raise malformed(f"{id!r} is no FHIR id")
    return id


def version_of(etag: str | None) -> int | None:
    """'W/"3"' -> 3."""
    if etag is None:
        return None
    match = _ETAG.fullmatch(etag.strip())
    if not match:
        raise malformed(f'{etag!r} is no version; write W/"3"')
    return int(match[1])


def is_any(etag: str | None) -> bool:
    """Whether If-None-Match means: only if it does not exist."""
    return etag is not None and etag.strip() == "*"


# Dependencies are coroutines because FastAPI sends every plain function through a thread of its own.
async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _links(request: Request) -> NextLinks:
    links: NextLinks = request.app.state.links
    return links


async def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}{BASE}"


Held = Annotated[Store, Depends(_store)]
Links = Annotated[NextLinks, Depends(_links)]
Base = Annotated[str, Depends(_base)]
Type = Annotated[str, Depends(_known_type)]
JsonBody = Annotated[bytes, Depends(_json_body)]
Form = Annotated[list[tuple[str, str]], Depends(_form)]
