"""What the interactions share of HTTP: who asks, in which format, what an answer looks like.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from fastapi import Depends, Request, Response

from service.facade.access.grant import EVERYBODY, Grant
from service.facade.access.scopes import Letter
from service.facade.audit.access import Access, Interaction
from service.facade.body import strict_json
from service.facade.limits import proving
from service.facade.outcome import Refusal, malformed
from service.facade.search.condition import Condition
from service.facade.search.parameters import FHIR_ID, SEARCH
from service.facade.served import Served
from service.facade.store.shelf import Record
from service.server.capability import VERSIONS

FHIR_JSON = "application/fhir+json"
BASE = "/fhir"
FORM = "application/x-www-form-urlencoded"

_JSON_TYPES = {FHIR_JSON, "application/json"}
_ACCEPTED = {*_JSON_TYPES, "application/*", "*/*", "json"}
_VERSION = re.compile(r"fhirversion=\"?([0-9.]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Asker:
    """Who asks, and what is told of it to the record."""

    served: Served
    grant: Grant
    access: Access
    if_none_match: str | None = None

    def sight(self, type: str, letter: Letter) -> Condition:
        return self.grant.sight(type, letter)

    def asks(self, interaction: Interaction, type: str, query: str = "") -> None:
        self.access.interaction, self.access.type, self.access.query = interaction, type, query

    def show(self, record: Record) -> None:
        self.access.show(record.patient, record.reference)


async def served(request: Request) -> Served:
    found: Served = request.app.state.served
    return found


async def asker(request: Request) -> Asker:
    """Of every route that shows anything of anybody.

    Those that are asked most call it: to find out what they depend on would take FastAPI longer than to answer them.
    """
    speaks_json(request)
    found: Served = request.app.state.served
    access: Access = request.state.access
    grant = EVERYBODY if found.tokens is None else await _granted(found, request, access.address)
    access.grant = grant
    await found.limits.take(f"client {grant.issuer} {grant.client}")
    return Asker(found, grant, access, request.headers.get("if-none-match"))


async def _granted(found: Served, request: Request, address: str) -> Grant:
    assert found.tokens is not None, "the caller has looked"
    async with proving(found.limits, f"refused {address}"):
        return await found.tokens.grant(request.headers.get("authorization"))


def speaks_json(request: Request) -> None:
    """406 to who wants anything but JSON, or another version of FHIR; `_format` outranks the Accept header."""
    found: Served = request.app.state.served
    asked = request.query_params.get("_format") if request.scope["query_string"] else None
    wanted = asked or request.headers.get("accept") or "*/*"
    version = VERSIONS[found.release][:3]
    if not _wants_json(wanted, version):
        raise Refusal(406, "not-supported", f"answers are {FHIR_JSON} of FHIR {version}, and nothing else")


@lru_cache(maxsize=256)
def _wants_json(wanted: str, version: str) -> bool:
    """What a client wants it wants of each request."""
    return any(_fits(part.replace(" json", "+json").strip(), version) for part in wanted.split(","))


def _fits(media_range: str, version: str) -> bool:
    kind = media_range.split(";")[0].strip().lower()
    asked = _VERSION.search(media_range)
    return kind in _ACCEPTED and (asked is None or asked[1] == version)


async def _form(request: Request) -> list[tuple[str, str]]:
    _require(request, {FORM})
    try:
        return parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise malformed("the body is no form of at most 100 fields in UTF-8") from None


async def json_body(request: Request) -> dict[str, Any]:
    _require(request, _JSON_TYPES)
    return strict_json(await request.body())


def _require(request: Request, accepted: set[str]) -> None:
    sent = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if sent not in accepted:
        raise Refusal(415, "not-supported", f"the body has to be {' or '.join(sorted(accepted))}, and say so")


def part(request: Request, name: str) -> str:
    """Of the path."""
    found: str = request.path_params[name]
    return found


def known_type(type: str) -> str:
    if type not in SEARCH:
        raise Refusal(404, "not-supported", f"served are {', '.join(SEARCH)}")
    return type


def valid_id(id: str) -> str:
    if not FHIR_ID.fullmatch(id):
        raise malformed("that is no FHIR id")
    return id


def fhir_json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Response(content, status, dict(headers or {}), FHIR_JSON)


@lru_cache(maxsize=1024)
def _http_date(moment: dt.datetime) -> str:
    """Those of a run were published together."""
    return format_datetime(moment, usegmt=True)


def refused(refusal: Refusal) -> Response:
    return fhir_json(refusal.outcome, refusal.status, refusal.headers)


def shown(record: Record, if_none_match: str | None) -> Response:
    """The resource with its version, or 304 to who has that one."""
    headers = {"ETag": record.etag, "Last-Modified": _http_date(record.updated)}
    held = {each.strip() for each in (if_none_match or "").split(",")}
    if held & {record.etag, "*"}:
        return Response(status_code=304, headers=headers)
    return fhir_json(record.body, 200, headers)


Who = Annotated[Asker, Depends(asker)]
Wired = Annotated[Served, Depends(served)]
Form = Annotated[list[tuple[str, str]], Depends(_form)]
JsonBody = Annotated[dict[str, Any], Depends(json_body)]
