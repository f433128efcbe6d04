"""`/cds-services`: discovery, calls and feedback."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from service import feedback as keeping
from service.facade.access.grant import Grant
from service.facade.hooks import feedback
from service.facade.hooks.card import cards
from service.facade.hooks.request import patient_of
from service.facade.hooks.services import SERVICES, Service
from service.facade.http import JsonBody
from service.facade.outcome import Refusal
from service.facade.served import Served
from service.facade.watched import Open, Watched

PATH = "/cds-services"
STAFF = ("Practitioner/", "PractitionerRole/")

discovery = APIRouter(prefix=PATH, route_class=Open)
router = APIRouter(prefix=PATH, route_class=Watched)


@discovery.get("")
async def services() -> Response:
    """What is offered; it tells nothing of anybody."""
    return JSONResponse({"services": [each.discovered for each in SERVICES.values()]})


async def _known(service: str) -> Service:
    if service not in SERVICES:
        raise Refusal(404, "not-found", "there is no such service; GET /cds-services lists them")
    return SERVICES[service]


async def _client(request: Request) -> Grant:
    """Before anything else is looked at; with tokens switched off everybody on this machine is one."""
    served: Served = request.app.state.served
    access = request.state.access
    served.limits.check(f"refused {access.address}")
    try:
        grant = await served.hook_grant(request.headers.get("authorization"), request.url.path)
    except Refusal as refusal:
        if refusal.status == 401:
            served.limits.take(f"refused {access.address}")
        raise
    access.grant = grant
    served.limits.take(f"hook {grant.client}")
    return grant


Client = Annotated[Grant, Depends(_client)]
Known = Annotated[Service, Depends(_known)]


@router.post("/{service}", dependencies=[Depends(_client)])
async def call(service: Known, body: JsonBody, request: Request) -> Response:
    """Cards about the patient of the context; none where nothing is to be said, or nobody of the staff asks."""
    served: Served = request.app.state.served
    access = request.state.access
    access.interaction, access.type, access.query = "operation", "Observation", f"hook={service.hook}"
    patient, user = patient_of(body, service, (served.source.url, *served.source.aliases))
    kept = served.shelf.gist(patient) if user.startswith(STAFF) else None
    made = cards(kept[1], served.pathways, served.origin, served.app) if kept else []
    if kept and made:
        access.show(patient, f"Observation/{kept[0]}")
    served.metrics.cards(service.id, len(made))
    return _json({"cards": made})


@router.post("/{service}/feedback")
async def hear(client: Client, service: Known, body: JsonBody, request: Request) -> Response:
    """What became of cards; told again it counts once."""
    served: Served = request.app.state.served
    request.state.access.query = f"feedback={service.hook}"
    heard = feedback.told(body, client.client, service.id)
    await run_in_threadpool(keeping.record, served.catalog, heard)
    for each in heard:
        served.metrics.feedback(service.id, each.outcome)
    return _json({})


def _json(document: dict[str, Any]) -> Response:
    return JSONResponse(document)
