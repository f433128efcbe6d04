"""FHIR create: a resource in, the same under an id of the server's out. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from service.sandbox.content import parse
from service.sandbox.http import Base, Held, JsonBody, Type, shown
from service.sandbox.outcome import Refusal

router = APIRouter()


@router.post("/{type}")
def create(
    type: Type, body: JsonBody, store: Held, base: Base, if_none_exist: Annotated[str | None, Header()] = None
) -> Response:
    if if_none_exist is not None:
        raise Refusal(400, "not-supported", "this server has no conditional create; PUT to an id of your own")
    version = store.create(parse(body).of(type))
    return shown(version, 201, {"Location": f"{base}/{version.location}"})
