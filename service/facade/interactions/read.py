"""FHIR read: a type and an id in, the resource out. https://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from service.facade.http import BASE, asker, known_type, part, shown, valid_id
from service.facade.outcome import not_found
from service.facade.watched import Watched

router = APIRouter(prefix=BASE, route_class=Watched)


class _Type(Convertor[str]):
    """What may be meant as a type: `$` begins an operation's name, `.` and `_` begin other words."""

    regex = "[A-Za-z][^/]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("fhirtype", _Type())


@router.get("/{type:fhirtype}/{id}")
async def read(request: Request) -> Response:
    """The resource as it stands, with its version as ETag; 304 to `If-None-Match` of that version."""
    who, type = await asker(request), known_type(part(request, "type"))
    who.asks("read", type)
    record = await who.served.read(type, valid_id(part(request, "id")), who.sight(type, "r"))
    if record is None:
        raise not_found()
    who.show(record)
    return shown(record, who.if_none_match)
